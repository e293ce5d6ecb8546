import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rate } from './interval.ts';

describe('the Wilson interval', () => {
  // Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i in %i is the published [%f, %f]', (hits, of, low, high) => {
    const made = rate(hits, of);
    expect(made.rate).toBe(hits / of);
    expect(made.low).toBeCloseTo(low, 4);
    expect(made.high).toBeCloseTo(high, 4);
  });

  test('ends where the score test reaches 5%', () => {
    const share = fc
      .integer({ min: 1, max: 100_000 })
      .chain((of) => fc.record({ of: fc.constant(of), hits: fc.integer({ min: 0, max: of }) }));
    fc.assert(
      fc.property(share, ({ hits, of }) => {
        const { rate: p, low, high } = rate(hits, of);
        expect(low).toBeLessThanOrEqual(p);
        expect(high).toBeGreaterThanOrEqual(p);
        for (const end of [low, high]) {
          if (end === 0 || end === 1) continue;
          const z = Math.abs(p - end) / Math.sqrt((end * (1 - end)) / of);
          expect(z).toBeCloseTo(1.96, 2);
        }
      }),
    );
  });

  test('reaches 0 and 1 exactly', () => {
    for (const of of [1, 3, 7, 1000, 9999]) {
      expect(rate(0, of).low).toBe(0);
      expect(rate(of, of).high).toBe(1);
    }
  });

  test('a count of 0 gives [0, 1], which is valid JSON', () => {
    expect(JSON.parse(JSON.stringify(rate(0, 0)))).toEqual({
      rate: 0,
      hits: 0,
      of: 0,
      low: 0,
      high: 1,
    });
  });

  test.each([
    [2, 1],
    [-1, 3],
    [0.5, 3],
    [0, Number.NaN],
  ])('refuses %d hits of %d', (hits, of) => {
    expect(() => rate(hits, of)).toThrow(RangeError);
  });
});
