import type { Node, Tensor } from '../onnx/index.ts';

/** Which unit each index along an axis of a value belongs to; -1 where it belongs to none. */
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

/** What becomes of the units of one input of a node. */
export type Passage =
  /**
   * Each unit has places of its own in the output. `zero` where these are zero when the unit is, so
   * that a mask may as well be put on the output.
   */
  | { readonly kind: 'pass'; readonly channels: Channels; readonly zero: boolean }
  /**
   * Units are mixed, linearly: zeros in these slices of a parameter cut a unit off. `linear` where
   * the output is a sum over the units, so that one can be taken away from it.
   */
  | { readonly kind: 'mix'; readonly weights: ParameterSlices; readonly linear: boolean }
  | { readonly kind: 'opaque'; readonly why: string };

/** What makes a unit of a node's output zero: parameters to zero, and inputs that must be zero. */
export type Silence =
  | {
      readonly kind: 'silence';
      readonly parameters: readonly ParameterSlices[];
      readonly inputs: readonly { readonly index: number; readonly channels: Channels }[];
    }
  | { readonly kind: 'opaque'; readonly why: string };

/**
 * What a rule says holds for the first output. Without `known` fewer nodes let units through: those
 * whose constants (axes, pads, bounds) decide.
 */
export interface ChannelRule {
  /** What becomes of the units, in a few words, for the docs. */
  readonly about: string;
  /** From input `index` to the output. */
  passage(node: Node, index: number, channels: Channels, dims: DimsOf, known?: KnownOf): Passage;
  /** From the output back. */
  silence(node: Node, channels: Channels, dims: DimsOf, known?: KnownOf): Silence;
}
