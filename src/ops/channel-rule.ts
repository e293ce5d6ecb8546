import type { Attributes, Node, Tensor } from '../onnx/index.ts';
import type { BoundsRule } from './bounds.ts';

/** Which unit each index along an axis of a value belongs to; -1 for none. */
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

/** A rule does not apply; the reason. */
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
      /** So many runs of indices, of equal length, must each lose equally many. */
      readonly runs?: number | undefined;
      /** The element of an integer input that says how long the axis of the output is. */
      readonly length?: { readonly index: number; readonly element: number } | undefined;
    }
  | Opaque;

/** How indices that are removed from an input go on: as masked ones do, and by groups too. */
export type RemovalPassage = Passage & { readonly runs?: number | undefined };

/** Weights that make each unit of a convolution. */
export interface Filters {
  /** Dims [units, inputs, ...kernel]. */
  readonly weights: Tensor;
  readonly units: number;
  /** Channels that a unit reads: one if the convolution is depthwise. */
  readonly inputs: number;
  /** Places of the kernel. */
  readonly places: number;
}

/**
 * How the channels of units pass through an operator; it speaks of the first output. Without `known`,
 * rules that depend on constants (axes, pads, bounds) let no unit through.
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
   * What is removed with indices of the output. `as silenced`, and where the rule gives `undefined`:
   * what silences them.
   */
  readonly removal: RemovalRule | 'as silenced';
  /** The least and the most that the output can be; `unknown` if it is taken from what was seen. */
  readonly bounds: BoundsRule | 'unknown';
  /** How removed indices of an input go on, where not as `passage` says. */
  passageRemoved?(
    node: Node,
    index: number,
    channels: Channels,
    dims: DimsOf,
  ): RemovalPassage | undefined;
  /** The weights of a convolution, where they are known. */
  filters?(node: Node, known: KnownOf): Filters | undefined;
  /** What each channel on axis 1 is multiplied by, whatever the input, where that is known. */
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
