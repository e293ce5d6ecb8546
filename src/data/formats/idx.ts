import { DataError } from '../error.ts';

/** The contents of an IDX file of bytes, the format of MNIST. */
export interface Idx {
  readonly dims: readonly number[];
  /** Row-major, a view of the file's bytes. */
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file: two zero bytes, the element type, the rank, the dims as big-endian 32-bit
 * numbers, the elements. Only unsigned bytes are read, all that MNIST and its kin use.
 *
 * @param where the file's name, for messages
 * @throws DataError `data/magic`, `data/truncated`, `data/size`
 */
export function parseIdx(bytes: Uint8Array, where: string): Idx {
  if (bytes.length < 4) {
    throw new DataError('data/truncated', `${where}: ${bytes.length} bytes are no IDX file`);
  }
  const [zero, alsoZero, type, rank] = bytes as unknown as [number, number, number, number];
  if (zero !== 0 || alsoZero !== 0) {
    throw new DataError(
      'data/magic',
      `${where}: not an IDX file, as it begins with ${hex(bytes.subarray(0, 4))} and not 00 00. ` +
        'A compressed file must end in .gz',
    );
  }
  if (type !== UNSIGNED_BYTE || rank === 0) {
    throw new DataError(
      'data/magic',
      `${where}: an IDX file of element type 0x${type.toString(16)} and rank ${rank}; ` +
        'only unsigned bytes (0x8) of rank 1 or more are read',
    );
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new DataError('data/truncated', `${where}: the file ends inside its header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = dims.reduce((product, dim) => product * dim, 1);
  const present = bytes.length - header;
  if (present !== size) {
    throw new DataError(
      present < size ? 'data/truncated' : 'data/size',
      `${where}: dims [${dims.join(', ')}] need ${size} bytes, but ${present} follow the header. ` +
        'Fetch the file again',
    );
  }
  return { dims, data: bytes.subarray(header) };
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
