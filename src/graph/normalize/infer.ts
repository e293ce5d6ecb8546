import type { Node, Tensor } from '../../onnx/index.ts';
import { intOf } from '../attributes.ts';

/** What is known of the values before a node. */
export interface Known {
  rank(value: string): number | undefined;
  tensor(value: string): Tensor | undefined;
  /** Number of elements of a 1-D value. */
  length(value: string): number | undefined;
  isBool(value: string): boolean;
}

/** By operator: infers a property of the node's outputs. */
type Inferred<T> = ReadonlyMap<string, (node: Node, known: Known) => T>;

const rankOfFirst = ({ inputs }: Node, known: Known) => known.rank(inputs[0] ?? '');
const largestRank = ({ inputs }: Node, known: Known) => largest(inputs, known);
const rankOfWeights = ({ inputs: [x = '', weights = ''] }: Node, known: Known) =>
  known.rank(weights) ?? known.rank(x);
const rankOfReduction = (node: Node, known: Known) =>
  intOf(node, 'keepdims', 1) === 1 ? rankOfFirst(node, known) : undefined;
const rankOfProduct = ({ inputs }: Node, known: Known) => {
  const [a, b] = [known.rank(inputs[0] ?? ''), known.rank(inputs[1] ?? '')];
  return a !== undefined && b !== undefined && a > 1 && b > 1 ? Math.max(a, b) : undefined;
};

const RANKS: Inferred<number | undefined> = new Map(
  Object.entries({
    Abs: rankOfFirst,
    Add: largestRank,
    AveragePool: rankOfFirst,
    BatchNormalization: rankOfFirst,
    Cast: rankOfFirst,
    Celu: rankOfFirst,
    Clip: rankOfFirst,
    Concat: rankOfFirst,
    Conv: rankOfWeights,
    ConvTranspose: rankOfWeights,
    Div: largestRank,
    Dropout: rankOfFirst,
    Elu: rankOfFirst,
    Erf: rankOfFirst,
    Exp: rankOfFirst,
    Flatten: () => 2,
    Gather: ({ inputs: [x = '', indices = ''] }: Node, known: Known) =>
      sum([known.rank(x), known.rank(indices), -1]),
    Gelu: rankOfFirst,
    Gemm: () => 2,
    GlobalAveragePool: rankOfFirst,
    GlobalMaxPool: rankOfFirst,
    GroupNormalization: rankOfFirst,
    HardSigmoid: rankOfFirst,
    HardSwish: rankOfFirst,
    Hardmax: rankOfFirst,
    Identity: rankOfFirst,
    InstanceNormalization: rankOfFirst,
    LRN: rankOfFirst,
    LayerNormalization: rankOfFirst,
    LeakyRelu: rankOfFirst,
    Log: rankOfFirst,
    LogSoftmax: rankOfFirst,
    LpNormalization: rankOfFirst,
    MatMul: rankOfProduct,
    Max: largestRank,
    MaxPool: rankOfFirst,
    Mean: largestRank,
    Min: largestRank,
    Mul: largestRank,
    Neg: rankOfFirst,
    PRelu: rankOfFirst,
    Pad: rankOfFirst,
    Pow: largestRank,
    Reciprocal: rankOfFirst,
    ReduceL1: rankOfReduction,
    ReduceL2: rankOfReduction,
    ReduceLogSum: rankOfReduction,
    ReduceLogSumExp: rankOfReduction,
    ReduceMax: rankOfReduction,
    ReduceMean: rankOfReduction,
    ReduceMin: rankOfReduction,
    ReduceProd: rankOfReduction,
    ReduceSum: rankOfReduction,
    ReduceSumSquare: rankOfReduction,
    Relu: rankOfFirst,
    Reshape: ({ inputs }: Node, known: Known) => known.length(inputs[1] ?? ''),
    Resize: rankOfFirst,
    Selu: rankOfFirst,
    Shape: () => 1,
    Sigmoid: rankOfFirst,
    Size: () => 0,
    Slice: rankOfFirst,
    Softmax: rankOfFirst,
    Softplus: rankOfFirst,
    Split: rankOfFirst,
    Sqrt: rankOfFirst,
    Squeeze: ({ inputs: [x = '', axes = ''] }: Node, known: Known) =>
      sum([known.rank(x), negative(known.tensor(axes)?.data.length)]),
    Sub: largestRank,
    Sum: largestRank,
    Tanh: rankOfFirst,
    Tile: rankOfFirst,
    Transpose: rankOfFirst,
    Unsqueeze: ({ inputs: [x = '', axes = ''] }: Node, known: Known) =>
      sum([known.rank(x), known.tensor(axes)?.data.length]),
    Where: largestRank,
  }),
);

/** The rank of a node's outputs; undefined where it is unknown or the operator is not in the table. */
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

/** The number of elements of a node's 1-D output, such as dims; undefined where it is unknown. */
export function outputLength(node: Node, known: Known): number | undefined {
  return LENGTHS.get(node.op)?.(node, known);
}

/** ONNX's number for the element type bool. */
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
  const rule = BOOLEANS.get(node.op);
  if (rule) return rule(node, known);
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
