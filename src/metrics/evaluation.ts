import { rate, type Rate } from './interval.ts';
import { isAttacked, isSuccess, type Target } from './target.ts';

/** Accuracy on clean data, as a rate with its interval. */
export interface CleanScore extends Rate {
  /** For detectors, mean average precision at IoU 0.5, 0 to 1: see `evaluateDetections`. */
  readonly map?: number | undefined;
  /** Standard error of `map`, where a decision needs it: see `mapStandardError`. */
  readonly mapError?: number | undefined;
  /** Average precision by class; null where the class does not occur. */
  readonly ap?: (number | null)[] | undefined;
}

/** The drop of accuracy, or of mean average precision for detectors, as a share; negative for a rise. */
export function scoreDrop(from: CleanScore, to: CleanScore): number {
  if (from.map !== undefined && to.map !== undefined) return from.map - to.map;
  // Computed from counts: in floating point, 0.98 - 0.96 exceeds 0.02.
  return (from.hits - to.hits) / to.of;
}

/**
 * The standard error of a score: √(p(1 - p)/n) for accuracy, `mapError` for mean average precision.
 */
export function standardError({ rate: share, of, map, mapError }: CleanScore): number | undefined {
  return map === undefined ? Math.sqrt((share * (1 - share)) / of) : mapError;
}

/** The rates of a network; `asr` and `ra` only where triggered data were given. */
export interface Evaluation {
  /** Clean accuracy. */
  readonly acc: CleanScore;
  /** Attack success rate. */
  readonly asr?: Rate | undefined;
  /** Robust accuracy. */
  readonly ra?: Rate | undefined;
  /** For detectors, the share of triggered objects that it does not detect at all. */
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
 * The attack success rate: of the triggered inputs whose true label is not the target, the share that is
 * classified as the target. For an untargeted attack, the share that is misclassified.
 *
 * @param predicted - the predicted label of each triggered input
 * @param labels - the true label of each
 * @throws RangeError for arrays of different lengths
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
 * Robust accuracy: the share of triggered inputs classified as their true label. Inputs of the target class
 * count too.
 *
 * @throws RangeError for arrays of different lengths
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
