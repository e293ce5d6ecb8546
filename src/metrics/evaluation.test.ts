import { describe, expect, test } from 'vitest';
import { accuracy, attackSuccess, scoreDrop, robustAccuracy, standardError } from './evaluation.ts';
import { rate, type Rate } from './interval.ts';
import { targetOf, type Target } from './target.ts';

const share = ({ hits, of }: Rate): string => `${hits}/${of}`;

const wanted = (target: Target) => [0, 1, 2].map((label) => targetOf(target, label));

// Three classes, two samples of each.
const labels = [0, 0, 1, 1, 2, 2];

describe('attack success', () => {
  test('all-to-one ignores inputs of the target class', () => {
    const target: Target = { kind: 'all-to-one', label: 1 };
    expect(share(attackSuccess([1, 0, 1, 1, 1, 2], labels, target))).toBe('2/4');
    expect(share(attackSuccess([1, 1, 0, 0, 1, 1], labels, target))).toBe('4/4');
  });

  test('all-to-all wants the next class, and the first after the last', () => {
    const target: Target = { kind: 'all-to-all', classes: 3 };
    expect(share(attackSuccess([1, 1, 2, 2, 0, 0], labels, target))).toBe('6/6');
    expect(share(attackSuccess([1, 2, 0, 1, 0, 2], labels, target))).toBe('2/6');
  });

  test('source-to-target counts the source class only', () => {
    const target: Target = { kind: 'source-to-target', source: 2, target: 0 };
    expect(share(attackSuccess([0, 0, 0, 0, 0, 1], labels, target))).toBe('1/2');
  });

  test('untargeted counts any misclassification', () => {
    const target: Target = { kind: 'untargeted' };
    expect(share(attackSuccess([0, 1, 1, 2, 0, 1], labels, target))).toBe('4/6');
  });

  test('without an input to attack has a count of 0', () => {
    expect(attackSuccess([1, 1], [1, 1], { kind: 'all-to-one', label: 1 }).of).toBe(0);
  });
});

test('robust accuracy counts all triggered inputs, also of the target class', () => {
  expect(share(robustAccuracy([1, 0, 1, 1, 1, 2], labels))).toBe('4/6');
});

test('accuracy counts correct predictions', () => {
  expect(share(accuracy([0, 1, 1, 1, 2, 0], labels))).toBe('4/6');
});

test('predictions must match labels in number', () => {
  expect(() => accuracy([0], labels)).toThrow('1 predictions for 6 labels');
});

test('targetOf gives the wanted label for each true label', () => {
  expect(wanted({ kind: 'all-to-one', label: 2 })).toEqual([2, 2, 2]);
  expect(wanted({ kind: 'all-to-all', classes: 3 })).toEqual([1, 2, 0]);
  expect(wanted({ kind: 'source-to-target', source: 1, target: 0 })).toEqual([
    undefined,
    0,
    undefined,
  ]);
  expect(wanted({ kind: 'untargeted' })).toEqual([undefined, undefined, undefined]);
});

test('a drop is computed from counts; for detectors, from mean average precision', () => {
  const [before, after] = [rate(98, 100), rate(96, 100)];
  expect(scoreDrop(before, after)).toBe(0.02);
  expect(scoreDrop({ ...before, map: 0.5 }, { ...after, map: 0.75 })).toBe(-0.25);
});

test('the standard error of accuracy is binomial; that of mean average precision is given', () => {
  expect(standardError(rate(90, 100))).toBeCloseTo(0.03, 12);
  expect(standardError(rate(100, 100))).toBe(0);
  expect(standardError({ ...rate(90, 100), map: 0.9 })).toBeUndefined();
  expect(standardError({ ...rate(90, 100), map: 0.9, mapError: 0.1 })).toBe(0.1);
});
