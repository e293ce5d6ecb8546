import { axisOf, intOf } from '../graph/index.ts';
import { type Graph, int64, type Node, sizeOf, type Tensor } from '../onnx/index.ts';
import type { DimsOf } from './channel-rule.ts';
import type { OperatorName } from './signatures.ts';

/** A layer: a node whose output has one channel for each of its units. */
export interface Layer {
  readonly kind: 'convolutional' | 'fully connected';
  /** The axis of the output along which the units lie. */
  readonly axis: number;
}

interface LayerTrait {
  readonly kind: Layer['kind'];
  axis(node: Node, dims: DimsOf): number | undefined;
}

/** What an operator is in a network, beside its function. */
export interface Traits {
  /** Inputs at which an initializer is a weight to train, not a setting. */
  readonly weights?: readonly number[] | undefined;
  /** Inputs that are added to the output, one number for each unit. */
  readonly shifts?: readonly number[] | undefined;
  /** The input that is a shape, and whether one dim of it may be -1, "what is left". */
  readonly shape?: ShapeInput | undefined;
  /** The input whose element type the output has; the first unless said. */
  readonly typeFrom?: number | undefined;
  /** The kind of layer that it is; absent axis: this node is none. */
  readonly layer?: LayerTrait | undefined;
  /** The arithmetic of two operands: a number in it may be part of a formula, as in x / √2. */
  readonly arithmetic?: '+' | '-' | '*' | '/' | undefined;
  /** How it hands on the numbers of its first input, or of all that it joins. */
  readonly moves?: 'in place' | 'reshaped' | 'rearranged' | 'joined' | undefined;
  /** May stand between a layer and its activation: channels stay where they are. */
  readonly keepsChannels?: true | undefined;
  /** Normalizes, then scales and shifts by parameters. */
  readonly normalizes?: true | undefined;
  /** What it does otherwise while a network trains. */
  readonly training?: 'drops' | 'normalizes by its batch' | undefined;
  /** Draws its output, or may. */
  readonly random?: true | undefined;
  /** The output, where it depends on nothing but the dims of the input. */
  ofDims?(node: Node, dims: readonly number[]): Tensor;
  /** What its outputs are where it makes the scores of classes. */
  readonly scores?: 'logits' | 'probabilities' | undefined;
  /** What it tells of an image's axes: channels are on axis 1, or it keeps or permutes the axes. */
  readonly image?: 'channels first' | 'kept' | 'permuted' | undefined;
  /** What it does in a detector: reads features in regions, or chooses boxes. */
  readonly detection?: 'regions' | 'boxes' | undefined;
}

/** An input that is a shape. */
export interface ShapeInput {
  readonly input: number;
  /** One dim may be -1: what is left. */
  readonly infers: boolean;
}

const convolutional: LayerTrait = { kind: 'convolutional', axis: () => 1 };

const traits: Partial<Record<OperatorName, Traits>> = {
  Add: {
    weights: [0, 1],
    shifts: [0, 1],
    arithmetic: '+',
    keepsChannels: true,
    scores: 'logits',
    image: 'kept',
  },
  AveragePool: { keepsChannels: true, image: 'channels first' },
  BatchNormalization: {
    weights: [1, 2],
    shifts: [2],
    keepsChannels: true,
    normalizes: true,
    training: 'normalizes by its batch',
    image: 'channels first',
  },
  Bernoulli: { random: true },
  Cast: { moves: 'in place', image: 'kept' },
  CastLike: { typeFrom: 1 },
  Clip: { image: 'kept' },
  Concat: {
    moves: 'joined',
    layer: {
      kind: 'convolutional',
      axis: (node, dims) => {
        const rank = dims(node.outputs[0] as string).length;
        return rank === 4 && axisOf(intOf(node, 'axis', 0), rank) === 1 ? 1 : undefined;
      },
    },
  },
  ConstantOfShape: { shape: { input: 0, infers: false } },
  Conv: {
    weights: [1, 2],
    shifts: [2],
    layer: convolutional,
    scores: 'logits',
    image: 'channels first',
  },
  ConvInteger: { image: 'channels first' },
  ConvTranspose: { weights: [1, 2], shifts: [2], layer: convolutional },
  DequantizeLinear: { typeFrom: 1, image: 'kept' },
  Div: { weights: [0], arithmetic: '/', keepsChannels: true, image: 'kept' },
  Dropout: { keepsChannels: true, training: 'drops', random: true },
  Einsum: { weights: [0, 1] },
  Expand: { shape: { input: 1, infers: false }, moves: 'rearranged' },
  Flatten: { moves: 'reshaped' },
  GRU: { weights: [1, 2, 3] },
  Gather: { weights: [0], moves: 'rearranged' },
  GatherND: { moves: 'rearranged' },
  Gemm: {
    weights: [1, 2],
    shifts: [2],
    layer: { kind: 'fully connected', axis: () => 1 },
    scores: 'logits',
  },
  GroupNormalization: { weights: [1, 2], shifts: [2], keepsChannels: true, normalizes: true },
  Identity: { moves: 'in place', keepsChannels: true, image: 'kept' },
  InstanceNormalization: {
    weights: [1, 2],
    shifts: [2],
    keepsChannels: true,
    normalizes: true,
    image: 'channels first',
  },
  LRN: { keepsChannels: true },
  LSTM: { weights: [1, 2, 3] },
  LayerNormalization: { weights: [1, 2], shifts: [2], keepsChannels: true, normalizes: true },
  LogSoftmax: { scores: 'logits' },
  MatMul: {
    weights: [0, 1],
    layer: {
      kind: 'fully connected',
      axis: (node, dims) => dims(node.outputs[0] as string).length - 1,
    },
    scores: 'logits',
  },
  MaxPool: { keepsChannels: true, image: 'channels first' },
  MaxRoiPool: { detection: 'regions' },
  Mul: { weights: [0, 1], arithmetic: '*', keepsChannels: true, image: 'kept' },
  Multinomial: { random: true },
  NonMaxSuppression: { detection: 'boxes' },
  PRelu: { weights: [1] },
  Pad: { moves: 'rearranged', image: 'kept' },
  Pow: { keepsChannels: true },
  QLinearConv: { image: 'channels first' },
  QuantizeLinear: { image: 'kept' },
  RNN: { weights: [1, 2, 3] },
  RandomNormal: { random: true },
  RandomNormalLike: { random: true },
  RandomUniform: { random: true },
  RandomUniformLike: { random: true },
  Relu: { image: 'kept' },
  Reshape: { shape: { input: 1, infers: true }, moves: 'reshaped' },
  RoiAlign: { detection: 'regions' },
  Shape: {
    ofDims: ({ attributes }, dims) => {
      const { start = 0, end = dims.length } = attributes as {
        start?: number | undefined;
        end?: number | undefined;
      };
      const part = dims.slice(start, end);
      return int64([part.length], part);
    },
  },
  Sigmoid: { scores: 'probabilities' },
  Size: { ofDims: (_node, dims) => int64([], [sizeOf(dims)]) },
  Slice: { moves: 'rearranged' },
  Softmax: { scores: 'probabilities' },
  Split: { moves: 'rearranged' },
  Squeeze: { moves: 'reshaped' },
  Sub: { weights: [0, 1], arithmetic: '-', keepsChannels: true, image: 'kept' },
  Sum: { shifts: [0, 1], keepsChannels: true },
  Tile: { moves: 'rearranged' },
  Transpose: { moves: 'rearranged', image: 'permuted' },
  Unsqueeze: { moves: 'reshaped' },
  Where: { typeFrom: 1 },
};

/** Operators of other domains by which a detector is known. */
const FOREIGN_DETECTION: ReadonlySet<string> = new Set(['EfficientNMS_TRT']);

const NO_TRAITS: Traits = {};

/** What the operator of a node is in a network: nothing for operators of other domains. */
export function traitsOf(node: Node): Traits {
  return node.domain === '' && Object.hasOwn(traits, node.op)
    ? (traits[node.op as OperatorName] ?? NO_TRAITS)
    : NO_TRAITS;
}

/** Inputs of a node at which an initializer is a weight to train, by index. */
export function weightInputs(node: Node): readonly number[] {
  return traitsOf(node).weights ?? [];
}

/** Inputs of a node that are added to its output, one number for each unit, by index. */
export function shiftInputs(node: Node): readonly number[] {
  return traitsOf(node).shifts ?? [];
}

/** Values whose numbers a node hands on, unchanged but for their type and place. */
export function movedInputs(node: Node): readonly string[] {
  const { moves } = traitsOf(node);
  if (moves === undefined) return [];
  return moves === 'joined' ? node.inputs : node.inputs.slice(0, 1);
}

/** Whether a node hands on all numbers of its first input in their order, whatever the dims. */
export function keepsOrder(node: Node): boolean {
  const { moves } = traitsOf(node);
  return moves === 'in place' || moves === 'reshaped';
}

/** Whether a node gives the same elements other dims. */
export function isReshape(node: Node): boolean {
  return traitsOf(node).moves === 'reshaped';
}

/** Whether a node puts its inputs side by side. */
export function isConcat(node: Node): boolean {
  return traitsOf(node).moves === 'joined';
}

/** Whether a node is one operation of a formula: the sum, difference, product or quotient of two. */
export function isArithmetic(node: Node): boolean {
  return traitsOf(node).arithmetic !== undefined;
}

export function isProduct(node: Node): boolean {
  return traitsOf(node).arithmetic === '*';
}

/** The layer that a node is: convolutional (a Concat of channels too) or fully connected. */
export function layerOf(node: Node, dims: DimsOf): Layer | undefined {
  const { layer } = traitsOf(node);
  const axis = layer?.axis(node, dims);
  return layer && axis !== undefined ? { kind: layer.kind, axis } : undefined;
}

/** Whether a node multiplies by a matrix of weights. */
export function isMatrixProduct(node: Node): boolean {
  return traitsOf(node).layer?.kind === 'fully connected';
}

/** Whether a node may stand between a layer and its activation: channels stay where they are. */
export function keepsChannels(node: Node): boolean {
  return traitsOf(node).keepsChannels === true;
}

/** Whether a node normalizes, then scales and shifts by parameters. */
export function isNormalization(node: Node): boolean {
  return traitsOf(node).normalizes === true;
}

/** Whether a node may draw its output: it is not determined by the inputs. */
export function isRandom(node: Node): boolean {
  return traitsOf(node).random === true;
}

/** Whether the output of a node depends on nothing but the dims of its input. */
export function dependsOnDims(node: Node): boolean {
  return traitsOf(node).ofDims !== undefined;
}

/** The output of such a node. */
export function outputOfDims(node: Node, dims: readonly number[]): Tensor | undefined {
  return traitsOf(node).ofDims?.(node, dims);
}

/** Whether a graph has a node that drops units while it trains. */
export function hasDropout(graph: Graph): boolean {
  return graph.nodes.some((node) => traitsOf(node).training === 'drops');
}

/** Whether a node reads features in regions, as the second stage of a detector does. */
export function readsRegions(node: Node): boolean {
  return traitsOf(node).detection === 'regions';
}

/** Whether only detectors have a node such as this. */
export function isOfDetector(node: Node): boolean {
  return traitsOf(node).detection !== undefined || FOREIGN_DETECTION.has(node.op);
}
