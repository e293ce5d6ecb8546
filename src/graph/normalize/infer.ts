import type { Node, Tensor } from '../../onnx/index.ts';
import { intOf } from '../attributes.ts';

/** What is known of values before a node. */
export interface Known {
  rank(value: string): number | undefined;
  tensor(value: string): Tensor | undefined;
  /** The number of elements of a 1-D value. */
  length(value: string): number | undefined;
  isBool(value: string): boolean;
}

const SAME = new Set([
  'Abs',
  'AveragePool',
  'BatchNormalization',
  'Cast',
  'Celu',
  'Clip',
  'Concat',
  'Conv',
  'ConvTranspose',
  'Dropout',
  'Elu',
  'Erf',
  'Exp',
  'Gelu',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'GroupNormalization',
  'HardSigmoid',
  'HardSwish',
  'Hardmax',
  'Identity',
  'InstanceNormalization',
  'LRN',
  'LayerNormalization',
  'LeakyRelu',
  'Log',
  'LogSoftmax',
  'LpNormalization',
  'MaxPool',
  'Neg',
  'PRelu',
  'Pad',
  'Reciprocal',
  'Relu',
  'Resize',
  'Selu',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Softplus',
  'Split',
  'Sqrt',
  'Tanh',
  'Tile',
  'Transpose',
]);
const BROADCAST = new Set([
  'Add',
  'Div',
  'Max',
  'Mean',
  'Min',
  'Mul',
  'Pow',
  'Sub',
  'Sum',
  'Where',
]);

/** The number of axes of a node's outputs, where its inputs tell it; most operators are enough. */
export function outputRank(node: Node, known: Known): number | undefined {
  if (node.domain !== '') return undefined;
  const [x = '', second = ''] = node.inputs;
  const { op } = node;
  if (op === 'Flatten' || op === 'Gemm') return 2;
  if (op === 'Conv' || op === 'ConvTranspose') return known.rank(second) ?? known.rank(x);
  if (SAME.has(op)) return known.rank(x);
  if (op === 'Shape') return 1;
  if (op === 'Size') return 0;
  if (BROADCAST.has(op)) return largest(node.inputs, known);
  if (op === 'MatMul') {
    const [a, b] = [known.rank(x), known.rank(second)];
    return a !== undefined && b !== undefined && a > 1 && b > 1 ? Math.max(a, b) : undefined;
  }
  if (op === 'Reshape') return known.length(second);
  if (op === 'Gather') return sum([known.rank(x), known.rank(second), -1]);
  if (op === 'Unsqueeze') return sum([known.rank(x), known.tensor(second)?.data.length]);
  if (op === 'Squeeze') return sum([known.rank(x), negative(known.tensor(second)?.data.length)]);
  if (op.startsWith('Reduce') && intOf(node, 'keepdims', 1) === 1) return known.rank(x);
  return undefined;
}

/** The number of elements of a node's output, where it is a list such as dims. */
export function outputLength(node: Node, known: Known): number | undefined {
  const [x = ''] = node.inputs;
  if (node.op === 'Shape' && Object.keys(node.attributes).length === 0) return known.rank(x);
  if (node.op === 'Concat') return sum(node.inputs.map((input) => known.length(input)));
  if (node.op === 'Unsqueeze') return known.rank(x) === 0 ? 1 : undefined;
  return undefined;
}

const TESTS = new Set([
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'Not',
  'Or',
  'Xor',
]);
const MOVES = new Set([
  'Concat',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'Pad',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Trilu',
  'Unsqueeze',
]);
/** ONNX's number of the element type bool. */
const BOOL = 9;

/** Whether a node's outputs are booleans. */
export function outputIsBool(node: Node, known: Known): boolean {
  const [x = '', second = ''] = node.inputs;
  if (TESTS.has(node.op)) return true;
  if (MOVES.has(node.op)) return known.isBool(x);
  if (node.op === 'Where') return known.isBool(second);
  if (node.op === 'Cast') return intOf(node, 'to', 0) === BOOL;
  const { value } = node.attributes;
  return typeof value === 'object' && 'dims' in value && value.type === 'bool';
}

function largest(values: readonly string[], known: Known): number | undefined {
  const ranks = values.map((value) => known.rank(value));
  return ranks.every((rank) => rank !== undefined) ? Math.max(...ranks) : undefined;
}

function sum(terms: readonly (number | undefined)[]): number | undefined {
  return terms.every((term) => term !== undefined) ? terms.reduce((a, b) => a + b, 0) : undefined;
}

function negative(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}
