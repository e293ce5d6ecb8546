import { expect, test } from 'vitest';
import { auc } from './auc.ts';

test.each([
  [[3, 4], [1, 2], 1],
  [[1, 2], [3, 4], 0],
  // Of the six pairs four are won and one is a tie.
  [[2, 5, 3], [1, 3], 4.5 / 6],
  [[1], [1], 0.5],
])('of %j against %j it is %d', (positives, negatives, expected) => {
  expect(auc(positives, negatives)).toBeCloseTo(expected, 12);
});

test('it is no number without a positive or a negative', () => {
  expect([auc([], [1]), auc([1], [])]).toEqual([NaN, NaN]);
});
