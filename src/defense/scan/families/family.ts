import type { Random } from '../../../data/index.ts';
import type { SampleLayout } from './sample-layout.ts';

/**
 * What a search moves: each array has one row for each slot, dims [slots, width]. A slot is a universal
 * perturbation with a target of its own.
 */
export type Variables = readonly Float64Array[];

/** A kind of universal perturbation that a scan looks for. */
export interface TriggerFamily {
  readonly name: InvertedTrigger['family'];
  /** What the size is, for people to read. */
  readonly unit: string;
  /** Weight of the size in the loss, such that sizes of all families weigh about as much. */
  readonly sizeWeight: number;
  /** The step size of each variable. */
  readonly rates: readonly number[];
  /** The variables before the search. */
  start(layout: SampleLayout, slots: number, draw: Random): Variables;
  /**
   * Puts perturbations on samples.
   *
   * @param x - samples, dims [batch, ...sample]; changed in place
   * @param slots - the slot of each sample, dims [batch]
   */
  apply(layout: SampleLayout, variables: Variables, x: Float32Array, slots: Int32Array): void;
  /**
   * The gradients of a loss of the perturbed samples by the variables.
   *
   * @param x - the samples before `apply`
   * @param slots - the slot of each sample
   * @param gradient - of the loss by the perturbed samples, dims of `x`
   */
  gradients(
    layout: SampleLayout,
    variables: Variables,
    x: Float32Array,
    slots: Int32Array,
    gradient: Float32Array,
  ): Variables;
  /** The size of a slot's perturbation, 0 or more. */
  size(layout: SampleLayout, variables: Variables, slot: number): number;
  /** Adds the gradient of a slot's size, times a weight, to the gradients of the variables. */
  addSizeGradient(
    layout: SampleLayout,
    variables: Variables,
    slot: number,
    weight: number,
    gradients: Variables,
  ): void;
  /** A slot's perturbation as numbers. */
  inverted(layout: SampleLayout, variables: Variables, slot: number): InvertedTrigger;
}

/** An inverted trigger: `x (1 - mask) + mask pattern`, or `x + addition` within the range of the data. */
export type InvertedTrigger =
  | {
      readonly family: 'patch';
      /** How much of each place is covered, 0 to 1; dims of the sample without the channels. */
      readonly mask: Float32Array;
      /** In the range of the data, dims of the sample. */
      readonly pattern: Float32Array;
    }
  | {
      readonly family: 'addition';
      /** In units of the data, dims of the sample. */
      readonly addition: Float32Array;
    };

/** A slot's row of a variable; writes go through. */
export function rowOf(values: Float64Array, slot: number, width: number): Float64Array {
  return values.subarray(slot * width, (slot + 1) * width);
}
