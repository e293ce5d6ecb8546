import type { Attributes, Node, Tensor } from '../onnx/index.ts';
import type { BoundsRule } from './bounds.ts';

/** The unit of each index along an axis of a value; -1 for none. */
export interface Channels {
  readonly axis: number;
  readonly unit: Int32Array;
}

/** Dims of the values around a node, by name. */
export type DimsOf = (value: string) => readonly number[];

/** The tensor of a value that does not depend on the input. */
export type KnownOf = (value: string) => Tensor | undefined;

/** A slice of a parameter: the indices along `axis` that belong to each unit. */
export interface ParameterSlices {
  /** Which input of the node is the parameter. */
  readonly input: number;
  readonly axis: number;
  readonly unit: Int32Array;
}

/** The rule does not apply, and why. */
export interface Opaque {
  readonly kind: 'opaque';
  readonly why: string;
}

/** What becomes of the units of one input of a node. */
export type Passage =
  /**
   * Each unit has indices of its own in the output. `zero`: these are zero if the unit is, so that a
   * mask may be put on the output instead.
   */
  | { readonly kind: 'pass'; readonly channels: Channels; readonly zero: boolean }
  /**
   * The units are summed by weights: zeros in these slices of a parameter cut a unit off. `linear`:
   * the output is a sum over the units, so that one can be subtracted from it.
   */
  | { readonly kind: 'mix'; readonly weights: ParameterSlices; readonly linear: boolean }
  | Opaque;

/** What makes a unit of a node's output zero: parameters to zero, and inputs that must be zero. */
export type Silence =
  | {
      readonly kind: 'silence';
      readonly parameters: readonly ParameterSlices[];
      readonly inputs: readonly Operand[];
    }
  | Opaque;

/** Channels of one input of a node. */
export interface Operand {
  readonly index: number;
  readonly channels: Channels;
}

/** What must be removed with indices of a node's output: indices of its inputs. */
export type Removal =
  | {
      readonly kind: 'removal';
      readonly operands: readonly Operand[];
      /** The number of runs of indices, of equal length; each must lose equally many. */
      readonly runs?: number | undefined;
      /** The element of an integer input that holds the length of the axis of the output. */
      readonly length?: { readonly index: number; readonly element: number } | undefined;
    }
  | Opaque;

/** How indices that are removed from an input pass: like masked ones, and also by groups. */
export type RemovalPassage = Passage & { readonly runs?: number | undefined };

/** The weights of each unit of a convolution. */
export interface Filters {
  /** Dims [units, inputs, ...kernel]. */
  readonly weights: Tensor;
  readonly units: number;
  /** Channels that a unit reads: one if the convolution is depthwise. */
  readonly inputs: number;
  /** Number of kernel positions. */
  readonly places: number;
}

/**
 * How the channels of units pass through an operator to its first output. Without `known`, rules that depend
 * on constants (axes, pads, bounds) let no unit pass.
 */
export interface ChannelRule {
  /** What becomes of the units, in a few words, for the docs. */
  readonly about: string;
  /** An element of the output depends on that element of the input, and on no other. */
  readonly byElement?: true | undefined;
  /** From input `index` to the output. */
  passage(node: Node, index: number, channels: Channels, dims: DimsOf, known?: KnownOf): Passage;
  /** From the output back. */
  silence(node: Node, channels: Channels, dims: DimsOf, known?: KnownOf): Silence;
  /**
   * What is removed with indices of the output. `as silenced`, or `undefined` from a rule: the same as in
   * `silence`.
   */
  readonly removal: RemovalRule | 'as silenced';
  /** Bounds of the output; `unknown` if they can only be measured. */
  readonly bounds: BoundsRule | 'unknown';
  /** How removed indices of an input pass, if not as in `passage`. */
  passageRemoved?(
    node: Node,
    index: number,
    channels: Channels,
    dims: DimsOf,
  ): RemovalPassage | undefined;
  /** The weights of a convolution, where they are known. */
  filters?(node: Node, known: KnownOf): Filters | undefined;
  /** The constant factor of each channel on axis 1, if known. */
  scales?(node: Node, known: KnownOf): Float64Array | undefined;
  /** The attributes of a node of which `left` indices along axis 1 of the first input are left. */
  attributesWith?(node: Node, left: number, dims: DimsOf): Attributes;
}

export type RemovalRule = (
  node: Node,
  channels: Channels,
  dims: DimsOf,
  known: KnownOf,
) => Removal | undefined;

export const opaque = (why: string): Opaque => ({ kind: 'opaque', why });

export const pass = (channels: Channels, zero: boolean) =>
  ({ kind: 'pass', channels, zero }) as const;

/** The units are zero if these channels of input `index` are. */
export const silencedBy = (index: number, channels: Channels) =>
  ({ kind: 'silence', parameters: [], inputs: [{ index, channels }] }) as const;

/** The units are zero if these slices of parameters are, whatever the inputs. */
export const silencedByParameters = (parameters: readonly ParameterSlices[]) =>
  ({ kind: 'silence', parameters, inputs: [] }) as const;

/** These channels of the inputs are removed. */
export const removing = (operands: readonly Operand[]): Removal => ({ kind: 'removal', operands });

export const NOT_DATA = 'the units decide a place or a size here';

/** No unit passes. */
export const BLOCKED: ChannelRule = {
  about: 'none passes',
  passage: (node) => opaque(`${node.op} has no channel rule`),
  silence: (node) => opaque(`${node.op} has no channel rule`),
  removal: 'as silenced',
  bounds: 'unknown',
};

/** The numbers of an input that is known before the graph runs. */
export function knownInput(
  node: Node,
  index: number,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const value = node.inputs[index];
  const tensor = value ? known?.(value) : undefined;
  return tensor && Array.from(tensor.data, Number);
}

/** Whether an optional input is given. */
export function isGiven(node: Node, index: number): boolean {
  return (node.inputs[index] ?? '') !== '';
}

/** Consecutive runs of `block` indices for each unit. */
export function channelsAt(axis: number, units: number, block = 1): Channels {
  return {
    axis,
    unit: Int32Array.from({ length: units * block }, (_, i) => Math.floor(i / block)),
  };
}
