import type { Node } from '../onnx/index.ts';
import * as activations from './activations.ts';
import * as convolution from './convolution.ts';
import * as elementwise from './elementwise.ts';
import * as matrix from './matrix.ts';
import * as pooling from './pooling.ts';
import * as reductions from './reductions.ts';
import type { Operator } from './rule.ts';
import * as shape from './shape.ts';

/** Every operator that fineprune knows, by its ONNX name. */
export const operators = {
  Add: elementwise.addition,
  AveragePool: pooling.averagePool,
  Conv: convolution.conv,
  Div: elementwise.division,
  Dropout: activations.dropout,
  Flatten: shape.reshaping,
  Gemm: matrix.gemm,
  GlobalAveragePool: pooling.globalAveragePool,
  Identity: elementwise.identity,
  LogSoftmax: activations.logSoftmax,
  MatMul: matrix.matMul,
  MaxPool: pooling.maxPool,
  Mul: elementwise.multiplication,
  Neg: elementwise.negation,
  ReduceMean: reductions.reduceMean,
  ReduceSum: reductions.reduceSum,
  Relu: activations.relu,
  Reshape: shape.reshaping,
  Softmax: activations.softmax,
  Sub: elementwise.subtraction,
  Sum: elementwise.sum,
} as const satisfies Record<string, Operator>;

export function operatorOf(node: Node): Operator | undefined {
  if (node.domain !== '') return undefined;
  return Object.hasOwn(operators, node.op)
    ? operators[node.op as keyof typeof operators]
    : undefined;
}
