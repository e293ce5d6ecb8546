import { DataError } from './error.ts';

/** @throws DataError `data/index` for an index outside the data */
export function checkIndices(name: string, length: number, indices: ArrayLike<number>): void {
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row] as number;
    if (!Number.isInteger(index) || index < 0 || index >= length) {
      throw new DataError('data/index', `${name}: there is no sample ${index}: it has ${length}`);
    }
  }
}

/** @throws DataError `data/index` for an index outside the data, or an `into` that is too short */
export function checkRead(
  name: string,
  length: number,
  size: number,
  indices: ArrayLike<number>,
  into: Float32Array,
): void {
  checkIndices(name, length, indices);
  if (into.length < indices.length * size) {
    throw new DataError(
      'data/index',
      `${name}: ${indices.length} samples of ${size} values do not fit in ${into.length}`,
    );
  }
}
