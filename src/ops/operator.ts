import type { Node, Tensor } from '../onnx/index.ts';
import type { Activation } from './activation.ts';
import { BLOCKED, type ChannelRule, type DimsOf } from './channel-rule.ts';
import type { OperatorName } from './signatures.ts';
import type { Gradient, NoGradient, ZeroGradient } from './tape.ts';

/**
 * What is known of an operator. Every entry is required: an operator without weights, or one that lets
 * no unit through, says so.
 */
export interface Operator {
  /** From the gradients of the outputs, those of the inputs; or why there is none. */
  readonly gradient: Gradient | NoGradient | ZeroGradient;
  /** The inputs are broadcast against each other, as NumPy does. */
  readonly broadcasts?: boolean | undefined;
  /** How the channels of units pass through. */
  readonly channels: ChannelRule;
  /** What the inputs are; `DATA` where they are values like any other. */
  readonly inputs: Inputs;
  /** What the operator is in a network; `NO_TRAITS` for an operator that no other room asks about. */
  readonly traits: Traits;
}

/** Inputs that are not simply data, by index. */
export interface Inputs {
  /** Where an initializer is a weight to train, and not a setting. */
  readonly weights?: readonly number[] | undefined;
  /** What is added to the output, one number for each unit. */
  readonly shifts?: readonly number[] | undefined;
  readonly shape?: ShapeInput | undefined;
  /** The input whose element type the output has; the first by default. */
  readonly typeFrom?: number | undefined;
}

/** An input that is a shape. */
export interface ShapeInput {
  readonly input: number;
  /** One dim may be -1, which is inferred. */
  readonly infers: boolean;
}

/** What an operator is in a network. */
export interface Traits {
  /** The layer that its nodes are. */
  readonly layer?: LayerTrait | undefined;
  /** The nonlinearity that it is, or the gate. */
  readonly activation?: Activation | undefined;
  /** Arithmetic of two operands: a number in it may be part of a formula, as in x / √2. */
  readonly arithmetic?: '+' | '-' | '*' | '/' | undefined;
  /** It copies the numbers of its first input, or (`concatenated`) of all inputs. */
  readonly moves?: 'in place' | 'reshaped' | 'rearranged' | 'concatenated' | undefined;
  /** It may stand between a layer and its activation: the channels stay where they are. */
  readonly keepsChannels?: true | undefined;
  /** It normalizes, then scales and shifts by parameters. */
  readonly normalizes?: true | undefined;
  /**
   * How it decides: its output is one of few values (`compares`), it makes a decision out of others
   * (`combines`), or it takes one of several inputs or bodies (`selects`, `branches`) by its first input.
   */
  readonly decision?: 'compares' | 'combines' | 'selects' | 'branches' | undefined;
  /** What it does differently while a network trains. */
  readonly training?: 'drops' | 'normalizes by its batch' | undefined;
  /** Its output may be random. */
  readonly random?: true | undefined;
  /** The output, if it depends only on the dims of the input. */
  ofDims?(node: Node, dims: readonly number[]): Tensor;
  /** What it outputs as the last operator of a classifier. */
  readonly scores?: 'logits' | 'probabilities' | undefined;
  /** The axes of an image: channels must be on axis 1, or the operator keeps or permutes the axes. */
  readonly image?: 'channels first' | 'kept' | 'permuted' | undefined;
  /** What it does in a detector: it reads features in regions, or selects boxes. */
  readonly detection?: 'regions' | 'boxes' | undefined;
}

/** A layer: a node whose output has one channel for each of its units. */
export interface Layer {
  readonly kind: 'convolutional' | 'fully connected';
  /** The axis of the output along which the units lie. */
  readonly axis: number;
}

export interface LayerTrait {
  readonly kind: Layer['kind'];
  /** The axis of the units; `undefined` for a node that is no layer. */
  axis(node: Node, dims: DimsOf): number | undefined;
}

/** All inputs are data. */
export const DATA: Inputs = {};

export const NO_TRAITS: Traits = {};

/** An operator with only a gradient: no unit passes, all inputs are data. */
export function plain(gradient: Operator['gradient']): Operator {
  return { gradient, channels: BLOCKED, inputs: DATA, traits: NO_TRAITS };
}

/** An operator that decides: no unit passes, all inputs are data. */
export function decides(
  decision: NonNullable<Traits['decision']>,
  gradient: Operator['gradient'],
): Operator {
  return { ...plain(gradient), traits: { decision } };
}

/** Operators by their names in ONNX. */
export type Operators = Readonly<Record<OperatorName, Operator>>;
