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

/** What can be told of a node's outputs from what is known before it, by its operator. */
type Inferred<T> = ReadonlyMap<string, (node: Node, known: Known) => T>;

const ofFirst = ({ inputs }: Node, known: Known) => known.rank(inputs[0] ?? '');
const ofLargest = ({ inputs }: Node, known: Known) => largest(inputs, known);
const ofWeights = ({ inputs: [x = '', weights = ''] }: Node, known: Known) =>
  known.rank(weights) ?? known.rank(x);
const ofReduction = (node: Node, known: Known) =>
  intOf(node, 'keepdims', 1) === 1 ? ofFirst(node, known) : undefined;
const ofProduct = ({ inputs }: Node, known: Known) => {
  const [a, b] = [known.rank(inputs[0] ?? ''), known.rank(inputs[1] ?? '')];
  return a !== undefined && b !== undefined && a > 1 && b > 1 ? Math.max(a, b) : undefined;
};

const RANKS: Inferred<number | undefined> = new Map(
  Object.entries({
    Abs: ofFirst,
    Add: ofLargest,
    AveragePool: ofFirst,
    BatchNormalization: ofFirst,
    Cast: ofFirst,
    Celu: ofFirst,
    Clip: ofFirst,
    Concat: ofFirst,
    Conv: ofWeights,
    ConvTranspose: ofWeights,
    Div: ofLargest,
    Dropout: ofFirst,
    Elu: ofFirst,
    Erf: ofFirst,
    Exp: ofFirst,
    Flatten: () => 2,
    Gather: ({ inputs: [x = '', indices = ''] }: Node, known: Known) =>
      sum([known.rank(x), known.rank(indices), -1]),
    Gelu: ofFirst,
    Gemm: () => 2,
    GlobalAveragePool: ofFirst,
    GlobalMaxPool: ofFirst,
    GroupNormalization: ofFirst,
    HardSigmoid: ofFirst,
    HardSwish: ofFirst,
    Hardmax: ofFirst,
    Identity: ofFirst,
    InstanceNormalization: ofFirst,
    LRN: ofFirst,
    LayerNormalization: ofFirst,
    LeakyRelu: ofFirst,
    Log: ofFirst,
    LogSoftmax: ofFirst,
    LpNormalization: ofFirst,
    MatMul: ofProduct,
    Max: ofLargest,
    MaxPool: ofFirst,
    Mean: ofLargest,
    Min: ofLargest,
    Mul: ofLargest,
    Neg: ofFirst,
    PRelu: ofFirst,
    Pad: ofFirst,
    Pow: ofLargest,
    Reciprocal: ofFirst,
    ReduceL1: ofReduction,
    ReduceL2: ofReduction,
    ReduceLogSum: ofReduction,
    ReduceLogSumExp: ofReduction,
    ReduceMax: ofReduction,
    ReduceMean: ofReduction,
    ReduceMin: ofReduction,
    ReduceProd: ofReduction,
    ReduceSum: ofReduction,
    ReduceSumSquare: ofReduction,
    Relu: ofFirst,
    Reshape: ({ inputs }: Node, known: Known) => known.length(inputs[1] ?? ''),
    Resize: ofFirst,
    Selu: ofFirst,
    Shape: () => 1,
    Sigmoid: ofFirst,
    Size: () => 0,
    Slice: ofFirst,
    Softmax: ofFirst,
    Softplus: ofFirst,
    Split: ofFirst,
    Sqrt: ofFirst,
    Squeeze: ({ inputs: [x = '', axes = ''] }: Node, known: Known) =>
      sum([known.rank(x), negative(known.tensor(axes)?.data.length)]),
    Sub: ofLargest,
    Sum: ofLargest,
    Tanh: ofFirst,
    Tile: ofFirst,
    Transpose: ofFirst,
    Unsqueeze: ({ inputs: [x = '', axes = ''] }: Node, known: Known) =>
      sum([known.rank(x), known.tensor(axes)?.data.length]),
    Where: ofLargest,
  }),
);

/** The number of axes of a node's outputs, where its inputs tell it; most operators are enough. */
export function outputRank(node: Node, known: Known): number | undefined {
  return node.domain === '' ? RANKS.get(node.op)?.(node, known) : undefined;
}

const LENGTHS: Inferred<number | undefined> = new Map(
  Object.entries({
    Concat: ({ inputs }: Node, known: Known) => sum(inputs.map((input) => known.length(input))),
    Shape: ({ inputs, attributes }: Node, known: Known) =>
      Object.keys(attributes).length === 0 ? known.rank(inputs[0] ?? '') : undefined,
    Unsqueeze: ({ inputs }: Node, known: Known) =>
      known.rank(inputs[0] ?? '') === 0 ? 1 : undefined,
  }),
);

/** The number of elements of a node's output, where it is a list such as dims. */
export function outputLength(node: Node, known: Known): number | undefined {
  return LENGTHS.get(node.op)?.(node, known);
}

/** ONNX's number of the element type bool. */
const BOOL = 9;

const always = () => true;
const asFirst = ({ inputs }: Node, known: Known) => known.isBool(inputs[0] ?? '');

const BOOLEANS: Inferred<boolean> = new Map(
  Object.entries({
    And: always,
    Cast: (node: Node) => intOf(node, 'to', 0) === BOOL,
    Concat: asFirst,
    Equal: always,
    Expand: asFirst,
    Flatten: asFirst,
    Gather: asFirst,
    Greater: always,
    GreaterOrEqual: always,
    Identity: asFirst,
    IsInf: always,
    IsNaN: always,
    Less: always,
    LessOrEqual: always,
    Not: always,
    Or: always,
    Pad: asFirst,
    Reshape: asFirst,
    Slice: asFirst,
    Split: asFirst,
    Squeeze: asFirst,
    Tile: asFirst,
    Transpose: asFirst,
    Trilu: asFirst,
    Unsqueeze: asFirst,
    Where: ({ inputs }: Node, known: Known) => known.isBool(inputs[1] ?? ''),
    Xor: always,
  }),
);

/** Whether a node's outputs are booleans. */
export function outputIsBool(node: Node, known: Known): boolean {
  const told = BOOLEANS.get(node.op);
  if (told) return told(node, known);
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
