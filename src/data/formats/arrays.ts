import { readFile } from 'node:fs/promises';
import { sizeOf } from '../../onnx/tensor.ts';
import { parseNpy, parseNpz, type NpyArray } from './npy.ts';
import { DataError } from '../error.ts';
import type { Raw, Source } from './source.ts';

/**
 * The arrays x and y of a .npz file.
 *
 * @throws DataError `data/format` where they are not there, and those of `parseNpz`
 */
export async function npzSource(path: string): Promise<Source> {
  const arrays = parseNpz(await readFile(path), path);
  const pick = (names: readonly string[]) => {
    const name = names.find((one) => arrays.has(one));
    if (name !== undefined) return arrays.get(name) as NpyArray;
    throw new DataError(
      'data/format',
      `${path} has the arrays ${[...arrays.keys()].join(', ') || 'none'}, and none named ${names[0]}: write it with numpy.savez(file, x=samples, y=labels)`,
    );
  };
  return arraysSource(pick(['x', 'X', 'images', 'data']), pick(['y', 'Y', 'labels']), path);
}

/**
 * A pair of .npy files: samples and labels.
 *
 * @throws DataError those of `parseNpy`, and `data/mismatch`
 */
export async function npySource(x: string, y: string): Promise<Source> {
  return arraysSource(await readNpy(x), await readNpy(y), x);
}

async function readNpy(path: string): Promise<NpyArray> {
  return parseNpy(await readFile(path), path);
}

/**
 * Samples [samples, ...] and labels [samples] or, one-hot, [samples, classes]. Bytes of two or three
 * dims are pictures, [height, width], [height, width, channels] or [channels, height, width]; all
 * else is numbers.
 */
function arraysSource(x: NpyArray, y: NpyArray, name: string): Source {
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
    async read(index): Promise<Raw> {
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
function pictureOf(dims: readonly number[]): ((bytes: Uint8Array) => Raw) | undefined {
  const [a = 0, b = 0, c = 1] = dims;
  if (dims.length === 2) return (bytes) => raw(a, b, 1, bytes);
  if (dims.length !== 3) return undefined;
  if (c === 1 || c === 3) return (bytes) => raw(a, b, c, bytes);
  if (a !== 1 && a !== 3) return undefined;
  return (bytes) =>
    raw(
      b,
      c,
      a,
      bytes.map((_, i) => bytes[(i % a) * b * c + Math.floor(i / a)] as number),
    );
}

function raw(height: number, width: number, channels: number, pixels: Uint8Array): Raw {
  return { kind: 'picture', picture: { width, height, channels, pixels } };
}
