/** A rate with its count and 95% Wilson interval, in the form of the JSON reports. */
export interface Rate {
  /** hits / of, in [0, 1]; 0 where `of` is 0. */
  readonly rate: number;
  readonly hits: number;
  readonly of: number;
  /** The interval's ends, in [0, 1]. */
  readonly low: number;
  readonly high: number;
}

/** The 97.5% quantile of the standard normal. */
const Z = 1.959963984540054;

/**
 * The rate hits / of, with the score interval of Wilson (1927), which keeps its coverage near 0 and 1, where
 * attack success rates usually are.
 *
 * `of` 0 gives rate 0 with the interval [0, 1], since JSON has no NaN. Code that shows a rate checks `of`
 * first.
 *
 * @throws RangeError unless 0 <= hits <= of, both integers
 */
export function rate(hits: number, of: number): Rate {
  if (!Number.isInteger(hits) || !Number.isInteger(of) || hits < 0 || hits > of) {
    throw new RangeError(`rate(${hits}, ${of}): hits must be an integer in 0 .. ${of}`);
  }
  if (of === 0) return { rate: 0, hits, of, low: 0, high: 1 };
  const share = hits / of;
  const z2 = Z * Z;
  const center = (hits + z2 / 2) / (of + z2);
  const half = (Z / (of + z2)) * Math.sqrt((hits * (of - hits)) / of + z2 / 4);
  return {
    rate: share,
    hits,
    of,
    // Exactly 0 and 1 in theory; rounding would leave 1e-17.
    low: hits === 0 ? 0 : Math.max(0, center - half),
    high: hits === of ? 1 : Math.min(1, center + half),
  };
}
