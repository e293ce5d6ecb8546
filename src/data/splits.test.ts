import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numbered, origins } from '../../test/helpers/data.ts';
import { split, splitIndices, take } from './splits.ts';

const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);

const seeds = fc.integer();
const labelLists = fc.array(fc.nat(4), { minLength: 1, maxLength: 200 });
const shares = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 })
  .map((weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return Object.fromEntries(weights.map((weight, i) => [`part${i}`, weight / total]));
  });

describe('a split', () => {
  test('into shares of 1 is disjoint and leaves nothing out', () => {
    fc.assert(
      fc.property(labelLists, shares, seeds, fc.boolean(), (labels, parts, seed, stratified) => {
        const made = Object.values(splitIndices(labels, parts, seed, { stratified }));
        const all = made.flatMap((indices) => [...indices]);
        expect(sorted(all)).toEqual(labels.map((_, i) => i));
      }),
    );
  });

  test('has parts of the sizes asked for', () => {
    fc.assert(
      fc.property(labelLists, shares, seeds, (labels, parts, seed) => {
        const made = splitIndices(labels, parts, seed);
        for (const [part, share] of Object.entries(parts)) {
          expect(Math.abs(made[part]!.length - share * labels.length)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('keeps the share of each class in each part, to about a sample', () => {
    fc.assert(
      fc.property(labelLists, shares, seeds, (labels, parts, seed) => {
        const made = Object.values(splitIndices(labels, parts, seed));
        for (const [i, indices] of made.entries()) {
          for (let label = 0; label < 5; label++) {
            const whole = labels.filter((other) => other === label).length;
            const has = [...indices].filter((index) => labels[index] === label).length;
            // Each part before it may have moved the rest by one.
            const due = (whole * indices.length) / labels.length;
            expect(Math.abs(has - due)).toBeLessThan(i + 1);
          }
        }
      }),
    );
  });

  test('is the same for the same seed and another for another', () => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 10);
    const parts = { a: 0.5, b: 0.5 };
    const once = splitIndices(labels, parts, 1);
    expect(splitIndices(labels, parts, 1)).toEqual(once);
    expect(splitIndices(labels, parts, 2)).not.toEqual(once);
  });

  test('takes counts and shares together, and leaves the rest', () => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 2);
    const made = splitIndices(labels, { one: 1, ten: 10, third: 1 / 3, none: 0 }, 3);
    const sizes = Object.entries(made).map(([part, { length }]) => [part, length]);
    expect(Object.fromEntries(sizes)).toEqual({ one: 1, ten: 10, third: 33, none: 0 });
  });

  test('picks alike samples equally often over seeds, ties between classes by lot', () => {
    const counts = new Float64Array(6);
    const rounds = 3000;
    for (let seed = 0; seed < rounds; seed++) {
      const { few } = splitIndices([0, 0, 1, 1, 2, 2], { few: 4 }, seed);
      for (const index of few) counts[index]! += 1;
    }
    for (const count of counts) {
      // Four standard deviations of a binomial.
      expect(Math.abs(count - (rounds * 2) / 3)).toBeLessThan(4 * Math.sqrt((rounds * 2) / 9));
    }
  });

  test('of a data set gives named subsets', async () => {
    const data = numbered([0, 1, 0, 1, 0, 1, 0, 1], 'toy');
    const { train, test } = split(data, { train: 0.75, test: 0.25 }, 1);
    expect(train.name).toBe('toy/train');
    expect(sorted([...train.labels])).toEqual([0, 0, 0, 1, 1, 1]);
    expect(sorted([...test.labels])).toEqual([0, 1]);
    const both = [...(await origins(train)), ...(await origins(test))];
    expect(sorted(both)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('refuses more than there is, and sizes that mean nothing', () => {
    expect(() => splitIndices([0, 0], { a: 2, b: 1 }, 1)).toThrow(
      'the parts (a 2, b 1) ask for 3 samples, but there are 2',
    );
    for (const size of [-0.1, 1.5, Number.NaN]) {
      expect(() => splitIndices([0, 0], { a: size }, 1)).toThrow(
        expect.objectContaining({ code: 'data/split' }),
      );
    }
  });
});

test('a few samples are taken in the shares of the whole', async () => {
  const data = numbered(Array.from({ length: 40 }, (_, i) => (i < 30 ? 0 : 1)));
  const few = take(data, 8, 1);
  expect([...few.labels]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  expect(new Set(await origins(few)).size).toBe(8);
  expect(take(data, 40, 1).length).toBe(40);
});
