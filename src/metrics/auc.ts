/**
 * The area under the ROC curve: the probability that a positive has a higher score than a negative, ties
 * counting half (the Mann-Whitney U statistic over the number of pairs).
 *
 * @returns a number in [0, 1]; NaN without a positive or without a negative
 */
export function auc(positives: readonly number[], negatives: readonly number[]): number {
  let wins = 0;
  for (const positive of positives) {
    for (const negative of negatives) {
      if (positive > negative) wins += 1;
      else if (positive === negative) wins += 0.5;
    }
  }
  return wins / (positives.length * negatives.length);
}
