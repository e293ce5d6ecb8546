import { sizeOf } from '../../onnx/tensor.ts';
import type { Dataset } from '../dataset.ts';
import { pictureCode, type PictureCode } from './picture-code.ts';
import type { Preprocess } from './preprocess.ts';

/**
 * The images of samples, [channels, height, width] in 0 to 1, whatever layout and scale the network takes.
 * Data that are not images are returned unchanged.
 */
export function picturesOf(dataset: Dataset): Dataset {
  const { pictures: code } = dataset;
  return code ? converted(dataset, code.dims, (x) => code.decode(x), undefined) : dataset;
}

/** Converts images, as `picturesOf` gives them, to the layout and scale of another data set. */
export function encodedLike(pictures: Dataset, { pictures: code, sample }: Dataset): Dataset {
  if (!code) return pictures;
  const encode = (picture: Float32Array) => {
    const made = new Float32Array(picture.length);
    code.encode(picture, made);
    return made;
  };
  return converted(pictures, sample, encode, code);
}

/** The same images with other preprocessing: another scale, the same size. */
export function rescaled(dataset: Dataset, how: Preprocess): Dataset {
  const { pictures: code } = dataset;
  if (!code) return dataset;
  const other = pictureCode(code.dims, code.layout, how);
  return encodedLike(picturesOf(dataset), { ...dataset, pictures: other });
}

function converted(
  dataset: Dataset,
  sample: readonly number[],
  make: (values: Float32Array) => Float32Array,
  code: PictureCode | undefined,
): Dataset {
  const { pictures: _, ...rest } = dataset;
  const size = sizeOf(sample);
  return {
    ...rest,
    sample,
    pictures: code,
    async read(indices, into) {
      await dataset.read(indices, into);
      for (let at = 0; at < indices.length * size; at += size) {
        into.set(make(into.subarray(at, at + size)), at);
      }
    },
  };
}
