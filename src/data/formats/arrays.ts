import { sizeOf } from '../../onnx/tensor.ts';
import type { NpyArray } from './npy.ts';
import { DataError } from '../error.ts';
import type { RawSample, Source } from './source.ts';

/**
 * Two arrays as a source: samples [samples, ...], and labels [samples] or, one-hot, [samples, classes].
 * Bytes of two or three dims are pictures, [height, width], [height, width, channels] or [channels,
 * height, width]; everything else is numbers.
 *
 * @throws DataError `data/mismatch`, `data/format`, `data/label` where the labels do not fit
 */
export function arraysSource(x: NpyArray, y: NpyArray, name: string): Source {
  const [length = 0, ...dims] = x.dims;
  const labels = labelsOf(y, name);
  if (labels.length !== length) {
    throw new DataError(
      'data/mismatch',
      `${name}: x has ${length} samples, [${x.dims.join(', ')}], but y has ${labels.length} labels`,
    );
  }
  const size = sizeOf(dims);
  const asPicture = x.data instanceof Uint8Array ? pictureOf(dims) : undefined;
  return {
    name,
    labels,
    where: (index) => `sample ${index} of ${name}`,
    async read(index): Promise<RawSample> {
      const values = x.data.subarray(index * size, (index + 1) * size);
      if (asPicture && values instanceof Uint8Array) return asPicture(values);
      return { kind: 'numbers', dims, values: Float32Array.from(values) };
    },
  };
}

function labelsOf({ dims, data }: NpyArray, name: string): string[] {
  const [length = 0, width = 1] = dims;
  if (dims.length === 0 || dims.length > 2) {
    throw new DataError(
      'data/format',
      `${name}: y has dims [${dims.join(', ')}]; give one label a sample, or one-hot rows`,
    );
  }
  if (width === 1) {
    return Array.from(data, (label) => {
      if (Number.isInteger(label) && label >= 0) return String(label);
      throw new DataError('data/label', `${name}: y holds ${label}, which is no class's number`);
    });
  }
  return Array.from({ length }, (_, row) => {
    const values = data.subarray(row * width, (row + 1) * width);
    return String(values.indexOf(Math.max(...values)));
  });
}

/** How bytes of some dims are read as a picture, if they can be. */
function pictureOf(dims: readonly number[]): ((bytes: Uint8Array) => RawSample) | undefined {
  const [a = 0, b = 0, c = 1] = dims;
  if (dims.length === 2) return (bytes) => pictureSample(a, b, 1, bytes);
  if (dims.length !== 3) return undefined;
  if (c === 1 || c === 3) return (bytes) => pictureSample(a, b, c, bytes);
  if (a !== 1 && a !== 3) return undefined;
  return (bytes) =>
    pictureSample(
      b,
      c,
      a,
      bytes.map((_, i) => bytes[(i % a) * b * c + Math.floor(i / a)] as number),
    );
}

function pictureSample(
  height: number,
  width: number,
  channels: number,
  pixels: Uint8Array,
): RawSample {
  return { kind: 'picture', picture: { width, height, channels, pixels } };
}
