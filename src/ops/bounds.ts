import { sizeOf, type Node, type Tensor } from '../onnx/index.ts';
import type { DimsOf, KnownOf } from './channel-rule.ts';

/** The minimum and the maximum that the elements at each index along an axis can have. */
export interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** What a rule can ask about the values around its node. */
export interface BoundsAround {
  readonly dims: DimsOf;
  readonly known: KnownOf;
  /** Bounds of an input along an axis, computed from as far upstream as rules allow. */
  readonly of: (index: number, axis: number) => Bounds;
  /** Bounds of an input of a layer, which are measured and not computed from further upstream. */
  readonly seen: (index: number, axis: number) => Bounds;
}

/** Bounds of a node's output along an axis; undefined if they are not known. */
export type BoundsRule = (node: Node, axis: number, around: BoundsAround) => Bounds | undefined;

/** Extends bounds to include zero, since zeros of padding may be among the summed elements. */
export const withZero = ({ low, high }: Bounds): Bounds => ({
  low: low.map((value) => Math.min(0, value)),
  high: high.map((value) => Math.max(0, value)),
});

/** Weights of a layer, one unit after another. */
export interface Rows {
  readonly data: Float32Array | Float64Array;
  readonly units: number;
  /** The first index of the input that a unit reads, and how many it reads from there on. */
  readonly first: (unit: number) => number;
  readonly count: number;
  /** Weights in a row by which one index of the input is multiplied. */
  readonly each: number;
  readonly alpha: number;
}

/**
 * The minimum and the maximum of Σ w x for each unit. It runs for every weight of a model, so the product is
 * inlined: with a function it takes four times as long.
 */
export function products(
  rows: Rows,
  { low, high }: Bounds,
  bias: (unit: number) => number,
): Bounds {
  const { data, units, count, each, alpha } = rows;
  const sums = { low: new Float64Array(units), high: new Float64Array(units) };
  for (let unit = 0, at = 0; unit < units; unit += 1) {
    let least = bias(unit);
    let most = least;
    const first = rows.first(unit);
    for (let index = first; index < first + count; index += 1) {
      const [from, to] = [low[index] as number, high[index] as number];
      for (const end = at + each; at < end; at += 1) {
        const weight = alpha * (data[at] as number);
        // A weight of 0 times an infinite bound is 0.
        if (weight > 0) {
          least += weight * from;
          most += weight * to;
        } else if (weight < 0) {
          least += weight * to;
          most += weight * from;
        }
      }
    }
    sums.low[unit] = least;
    sums.high[unit] = most;
  }
  return sums;
}

/** The bounds of all indices together. */
export function allOver({ low, high }: Bounds): Bounds {
  return {
    low: Float64Array.of(low.reduce((a, b) => Math.min(a, b), Infinity)),
    high: Float64Array.of(high.reduce((a, b) => Math.max(a, b), -Infinity)),
  };
}

/** The minimum and the maximum of a tensor at each index along an axis. */
export function boundsWithin({ dims, data }: Tensor, axis: number): Bounds {
  const size = dims[axis] ?? 1;
  const inner = sizeOf(dims.slice(axis + 1));
  const low = new Float64Array(size).fill(Infinity);
  const high = new Float64Array(size).fill(-Infinity);
  for (let at = 0; at < data.length; at += 1) {
    const value = Number(data[at]);
    const index = Math.floor(at / inner) % size;
    low[index] = Math.min(low[index] as number, value);
    high[index] = Math.max(high[index] as number, value);
  }
  return { low, high };
}
