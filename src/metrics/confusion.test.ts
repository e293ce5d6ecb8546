import { expect, test } from 'vitest';
import { classAccuracies, confusion } from './confusion.ts';

test('rows are true labels and columns predictions', () => {
  const made = confusion([0, 1, 1, 1, 0], [0, 0, 1, 1, 1], 3);
  expect([...made.counts]).toEqual([1, 1, 0, 1, 2, 0, 0, 0, 0]);
});

test('accuracy by class, with a class that has no samples', () => {
  const rates = classAccuracies(confusion([0, 1, 1, 1, 0], [0, 0, 1, 1, 1], 3));
  expect(rates.map(({ hits, of }) => [hits, of])).toEqual([
    [1, 2],
    [2, 3],
    [0, 0],
  ]);
});

test('a prediction that is not a class is an error with its index', () => {
  expect(() => confusion([0, 3], [0, 1], 3)).toThrow('sample 1: 3 is none of 3 classes');
});
