import { unzipSync } from 'fflate';
import { parse } from 'npyjs';
import { sizeOf } from '../../onnx/tensor.ts';
import { DataError } from '../error.ts';

/** A NumPy array in row-major order. */
export interface NpyArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array | Float32Array;
}

/**
 * Reads a .npy file. Bytes stay bytes, all other numbers become float32; what is in Fortran order is
 * turned into row-major.
 *
 * @param where - the file's name, for messages
 * @throws DataError `data/magic`, `data/format`, `data/truncated`, `data/size`
 */
export function parseNpy(bytes: Uint8Array, where: string): NpyArray {
  if (
    bytes.length < 10 ||
    bytes[0] !== 0x93 ||
    String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY'
  ) {
    throw new DataError('data/magic', `${where} is not a .npy file: write it with numpy.save`);
  }
  const { data, shape, dtype, fortranOrder } = parsed(bytes, where);
  const size = sizeOf(shape);
  if (data.length !== size) {
    throw new DataError(
      data.length < size ? 'data/truncated' : 'data/size',
      `${where}: an array of [${shape.join(', ')}] has ${size} values, but the file holds ${data.length}. Write it again`,
    );
  }
  const numbers = numeric(data, dtype, where);
  return { dims: shape, data: fortranOrder ? rowMajor(numbers, shape) : numbers };
}

/** The arrays of a .npz file by name. */
export function parseNpz(bytes: Uint8Array, where: string): Map<string, NpyArray> {
  let files: Record<string, Uint8Array>;
  let size = 0;
  const filter = ({ name, originalSize }: { name: string; originalSize: number }) => {
    size += originalSize;
    if (size > MOST_BYTES) throw new Error(`unpacked it has more than ${MOST_BYTES} bytes`);
    return name.endsWith('.npy');
  };
  try {
    files = unzipSync(bytes, { filter });
  } catch (cause) {
    throw new DataError(
      'data/magic',
      `${where} is not a .npz file (${(cause as Error).message}): write it with numpy.savez`,
      { cause },
    );
  }
  return new Map(
    Object.entries(files).map(([name, content]) => [
      name.replace(/\.npy$/, ''),
      parseNpy(content, `${name} in ${where}`),
    ]),
  );
}

const MOST_BYTES = 2 ** 31;

type Values = ArrayLike<number | bigint | boolean> & {
  readonly BYTES_PER_ELEMENT?: number | undefined;
};

function parsed(bytes: Uint8Array, where: string) {
  try {
    // A copy begins at a multiple of 8, as typed arrays must; npy pads its header to 64.
    const made = parse(bytes.slice().buffer);
    return { ...made, data: made.data as unknown as Values };
  } catch (cause) {
    const { message } = cause as Error;
    throw new DataError(
      cause instanceof RangeError ? 'data/truncated' : 'data/format',
      `${where} cannot be read (${message}): save it as uint8, float32 or int64, C order, little-endian`,
      { cause },
    );
  }
}

function numeric(data: Values, dtype: string, where: string): Uint8Array | Float32Array {
  if (dtype.startsWith('U') || dtype.startsWith('c')) {
    throw new DataError(
      'data/format',
      `${where} holds ${dtype.startsWith('U') ? 'texts' : 'complex numbers'}: save it as uint8, float32 or int64`,
    );
  }
  if (data instanceof Uint8Array || data instanceof Float32Array) return data;
  return Float32Array.from({ length: data.length }, (_, i) => Number(data[i]));
}

/** From the first index running fastest to the last. */
function rowMajor<T extends Uint8Array | Float32Array>(data: T, dims: readonly number[]): T {
  const made = data.slice() as T;
  const strides = dims.map((_, axis) => sizeOf(dims.slice(0, axis)));
  const index = dims.map(() => 0);
  for (let to = 0; to < made.length; to += 1) {
    made[to] = data[index.reduce((at, i, axis) => at + i * (strides[axis] as number), 0)] as number;
    for (let axis = dims.length - 1; axis >= 0; axis -= 1) {
      index[axis] = ((index[axis] as number) + 1) % (dims[axis] as number);
      if (index[axis] !== 0) break;
    }
  }
  return made;
}
