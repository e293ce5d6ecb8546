import type { DataType, Graph } from '../onnx/index.ts';

export interface ValueType {
  readonly type: DataType;
  readonly dims: readonly number[];
}

/**
 * A working graph specialized to one size of input: the type and dims of every value are known by
 * having run it once, and what depends on no input has become an initializer.
 */
export interface Traced {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, ValueType>;
}
