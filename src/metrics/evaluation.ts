import { rate, type Rate } from './interval.ts';
import { isAttacked, isSuccess, type Target } from './target.ts';

/** How a network does on clean data: the share of right answers. */
export interface CleanScore extends Rate {
  /** Of a detector, mean average precision at IoU 0.5, 0 to 1: see `evaluateDetections`. */
  readonly map?: number | undefined;
  /** Its standard error, where it chooses something: see `mapStandardError`. */
  readonly mapError?: number | undefined;
  /** Average precision by class; null where the class does not occur. */
  readonly ap?: (number | null)[] | undefined;
}

/** By how much one score is below another, as a share: of detectors the mean average precision. */
export function scoreDrop(from: CleanScore, to: CleanScore): number {
  if (from.map !== undefined && to.map !== undefined) return from.map - to.map;
  // Counted, since 0.98 - 0.96 is more than 0.02 in floating point.
  return (from.hits - to.hits) / to.of;
}

/**
 * By how much chance moves a score: the standard error of a share of right answers, √(p(1 - p)/n), or
 * that of a mean average precision, where it was asked for.
 */
export function standardError({ rate: share, of, map, mapError }: CleanScore): number | undefined {
  return map === undefined ? Math.sqrt((share * (1 - share)) / of) : mapError;
}

/** How a network does; `asr` and `ra` only where triggered data was given. */
export interface Evaluation {
  /** Clean accuracy. */
  readonly acc: CleanScore;
  /** Attack success rate. */
  readonly asr?: Rate | undefined;
  /** Robust accuracy. */
  readonly ra?: Rate | undefined;
  /** Of a detector, the share of triggered objects that it does not find at all. */
  readonly missed?: Rate | undefined;
}

/** The share of inputs classified as their true label. */
export function accuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): Rate {
  return share(
    predicted,
    labels,
    () => true,
    (guess, label) => guess === label,
  );
}

/**
 * The attack success rate: of the triggered inputs whose true label is not the target already, the
 * share that gets the attacker's label. For an untargeted attack, the share misclassified.
 *
 * @param predicted what the network called each triggered input
 * @param labels the true label of each
 */
export function attackSuccess(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  target: Target,
): Rate {
  return share(
    predicted,
    labels,
    (label) => isAttacked(target, label),
    (guess, label) => isSuccess(target, guess, label),
  );
}

/**
 * Robust accuracy: the share of all triggered inputs classified as their true label, those of the
 * target class among them.
 */
export function robustAccuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): Rate {
  return accuracy(predicted, labels);
}

function share(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  counts: (label: number) => boolean,
  hit: (guess: number, label: number) => boolean,
): Rate {
  if (predicted.length !== labels.length) {
    throw new RangeError(`${predicted.length} predictions for ${labels.length} labels`);
  }
  let hits = 0;
  let of = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (!counts(label)) continue;
    of++;
    if (hit(predicted[i] as number, label)) hits++;
  }
  return rate(hits, of);
}
