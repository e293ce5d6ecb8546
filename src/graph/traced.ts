import type { DataType, Graph } from '../onnx/index.ts';

export interface ValueType {
  readonly type: DataType;
  readonly dims: readonly number[];
}

/**
 * A working graph specialized to the input dims of one run, which gave the type and dims of every value.
 * Constant subexpressions are folded into initializers.
 */
export interface Traced {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, ValueType>;
}
