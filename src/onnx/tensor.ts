/** The array that holds the elements of each element type. */
export interface DataOf {
  float32: Float32Array;
  float64: Float64Array;
  /** The 16 bits of IEEE half precision. */
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
}

/** Element types, by ONNX Runtime's names. */
export type DataType = keyof DataOf;

/** A dense array in row-major order. */
export interface TensorOf<T extends DataType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: DataOf[T];
}

export type Tensor = { [T in DataType]: TensorOf<T> }[DataType];

/** The number of elements of a tensor of these dims; a scalar has one. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((size, dim) => size * dim, 1);
}

export function float32(dims: readonly number[], values: ArrayLike<number>): TensorOf<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(values) };
}

export function int64(dims: readonly number[], values: readonly number[]): TensorOf<'int64'> {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) };
}
