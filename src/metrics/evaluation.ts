import { rate, type Rate } from './interval.ts';
import { isAttacked, isSuccess, type Target } from './target.ts';

/** How a network does; `asr` and `ra` only where triggered data was given. */
export interface Evaluation {
  /** Clean accuracy. */
  readonly acc: Rate;
  /** Attack success rate. */
  readonly asr?: Rate;
  /** Robust accuracy. */
  readonly ra?: Rate;
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
