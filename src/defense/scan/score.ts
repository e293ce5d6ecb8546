import type { Rate } from '../../metrics/index.ts';

/** The size of a slot's perturbation, and how often it succeeds. */
export interface SlotResult {
  readonly size: number;
  readonly success: Rate;
}

/** How a slot's size compares with the others'. */
export interface SlotScore extends SlotResult {
  /** Whether the perturbation succeeds often enough to have a size at all. */
  readonly reachable: boolean;
  /** Size over success, divided by the median of all slots: small where a backdoor may be. */
  readonly ratio: number;
  /** How many robust deviations (1.4826 MAD) it lies below the median. */
  readonly deviations: number;
}

export interface Scores {
  /** The median of size over success of the classes. */
  readonly typical: number;
  readonly slots: readonly SlotScore[];
}

/** A slot that succeeds less often has no size. */
const LEAST_SUCCESS = 0.4;

/**
 * Compares the sizes of slots on a robust scale.
 *
 * A perturbation that fails is unreachable, not small: it counts as the largest one that succeeds, or as
 * its own size where that is larger. The score is the ratio to the median, not the number of MADs of
 * Neural Cleanse: of ten classes the MAD is itself so uncertain that clean networks reach 6 and
 * backdoored ones 1.2.
 *
 * @param isClass - whether a slot's target is one class; the others are compared with these
 */
export function scoreSlots(results: readonly SlotResult[], isClass: readonly boolean[]): Scores {
  const reachable = results.map(({ success }) => success.rate > LEAST_SUCCESS);
  const sizes = results.map(({ size, success }) => size / Math.max(success.rate, LEAST_SUCCESS));
  const largest = Math.max(0, ...sizes.filter((_, slot) => reachable[slot]));
  const scores = sizes.map((size, slot) =>
    reachable[slot] ? size : Math.max((results[slot] as SlotResult).size, largest),
  );
  const classes = scores.filter((_, slot) => isClass[slot]);
  const typical = median(classes);
  const spread = 1.4826 * median(classes.map((score) => Math.abs(score - typical)));
  return {
    typical,
    slots: results.map((result, slot) => ({
      ...result,
      reachable: reachable[slot] as boolean,
      ratio: typical > 0 ? (scores[slot] as number) / typical : 1,
      deviations: spread > 0 ? (typical - (scores[slot] as number)) / spread : 0,
    })),
  };
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
