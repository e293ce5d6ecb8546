import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, test } from 'vitest';
import { random } from './random.ts';

const draws = (seed: number, stream: string): number[] => {
  const draw = random(seed, stream);
  return Array.from({ length: 8 }, () => draw.uniform());
};

describe('seeding', () => {
  test('the same seed and stream give the same draws', () => {
    expect(draws(7, 'a')).toEqual(draws(7, 'a'));
  });

  test('stays what it was in earlier versions: results are published by seed', () => {
    const draw = random(1, 'pinned');
    const made = [draw.integer(1000), draw.integer(1000), draw.uniform(), draw.normal()];
    expect(made).toMatchInlineSnapshot(`
      [
        163,
        854,
        0.13415957013857538,
        -0.6861640027803863,
      ]
    `);
  });

  test('other seeds and streams share no draw', () => {
    const all = [
      [1, ''],
      [2, ''],
      [-1, ''],
      [1, 'a'],
      [1, 'b'],
      [11, ''],
      [1, '1/'],
    ].flatMap(([seed, stream]) => draws(seed as number, stream as string));
    expect(new Set(all).size).toBe(all.length);
  });

  test('streams are uncorrelated', () => {
    const n = 20_000;
    const [a, b] = [random(1, 'epoch/1'), random(1, 'epoch/2')];
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (a.uniform() - 0.5) * (b.uniform() - 0.5);
    // The correlation has a standard deviation of 1 / sqrt(n).
    expect(Math.abs((12 * sum) / n)).toBeLessThan(4 / Math.sqrt(n));
  });

  test('a seed that is no integer is refused', () => {
    expect(() => random(0.5)).toThrow('0.5 is not an integer');
    expect(() => random(Number.NaN)).toThrow(expect.objectContaining({ code: 'data/seed' }));
  });
});

describe('distributions', () => {
  const n = 100_000;

  test('uniform is in [0, 1) with the right mean and variance', () => {
    const draw = random(3);
    const values = Float64Array.from({ length: n }, () => draw.uniform());
    expect(Math.min(...values.subarray(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(values.every((value) => value < 1)).toBe(true);
    expect(moment(values, 1)).toBeCloseTo(1 / 2, 2);
    expect(moment(values, 2)).toBeCloseTo(1 / 3, 2);
  });

  test('normal has the moments 0, 1, 0, 3', () => {
    const draw = random(4);
    const values = Float64Array.from({ length: n }, () => draw.normal());
    // Four standard errors of each.
    expect(Math.abs(moment(values, 1))).toBeLessThan(4 * Math.sqrt(1 / n));
    expect(Math.abs(moment(values, 2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(values, 3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(values, 4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });

  test.each([1, 2, 3, 10, 100])('integers below %i are equally likely', (below) => {
    const draw = random(5);
    const counts = new Float64Array(below);
    for (let i = 0; i < n; i++) counts[draw.integer(below)]! += 1;
    const due = n / below;
    const chi2 = counts.reduce((sum, count) => sum + (count - due) ** 2 / due, 0);
    expect(chi2).toBeLessThanOrEqual(below - 1 + 5 * Math.sqrt(2 * (below - 1)));
  });

  test('integers are without bias where 2^32 is no multiple', () => {
    // With a plain modulo two thirds would fall into the lower half.
    const below = 3 * 2 ** 30;
    const draw = random(6);
    let low = 0;
    for (let i = 0; i < n; i++) if (draw.integer(below) < below / 2) low++;
    expect(Math.abs(low - n / 2)).toBeLessThan(4 * Math.sqrt(n / 4));
  });

  test('integers use the whole range', () => {
    const draw = random(7);
    expect(draw.integer(2 ** 32)).toBeGreaterThan(2 ** 20);
    expect(() => draw.integer(0)).toThrow(RangeError);
    expect(() => draw.integer(2 ** 32 + 1)).toThrow(RangeError);
  });

  test('some of the values are as likely as any others, each at most once', () => {
    const draw = random(3);
    const counts = Array.from({ length: 6 }, () => 0);
    for (let i = 0; i < 6000; i += 1) {
      const taken = draw.sample([0, 1, 2, 3, 4, 5], 2);
      expect(new Set(taken).size).toBe(2);
      for (const value of taken) counts[value] = (counts[value] as number) + 1;
    }
    // 2000 each; four standard deviations are 146.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(146);
    expect(new Set(draw.sample([4, 5], 3))).toEqual(new Set([4, 5]));
  });

  test('all orders of a shuffle are equally likely', () => {
    const draw = random(8);
    const counts = new Map<string, number>();
    const rounds = 24_000;
    for (let i = 0; i < rounds; i++) {
      const order = draw.shuffle([0, 1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const due = rounds / 24;
    const chi2 = [...counts.values()].reduce((sum, count) => sum + (count - due) ** 2 / due, 0);
    expect(chi2).toBeLessThan(23 + 5 * Math.sqrt(46));
  });
});

test('the generator is still xoroshiro128+ 24/16/37', () => {
  // Blackman and Vigna's recurrence on 64-bit integers.
  const mask = (1n << 64n) - 1n;
  const rotl = (value: bigint, by: bigint): bigint =>
    ((value << by) | (value >> (64n - by))) & mask;
  const generator = xoroshiro128plus(42);
  const [s01, s00, s11, s10] = generator.getState().map((word) => BigInt(word >>> 0)) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  let a = (s01 << 32n) | s00;
  let b = (s11 << 32n) | s10;
  for (let i = 0; i < 100; i++) {
    const due = Number((a + b) & 0xffffffffn) | 0;
    expect(generator.next()).toBe(due);
    const mixed = a ^ b;
    a = rotl(a, 24n) ^ mixed ^ ((mixed << 16n) & mask);
    b = rotl(mixed, 37n);
  }
});

const moment = (values: Float64Array, power: number): number =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;
