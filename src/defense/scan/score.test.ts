import { expect, test } from 'vitest';
import { rate } from '../../metrics/index.ts';
import { median, scoreSlots as scored, type SlotResult } from './score.ts';

const all = rate(100, 100);

const scoreSlots = (results: readonly SlotResult[]) =>
  scored(
    results,
    results.map(() => true),
  );

test('the ratio is the size over the median, by hand', () => {
  const { typical, slots } = scoreSlots(
    [4, 20, 24, 26, 30].map((size) => ({ size, success: all })),
  );
  expect(typical).toBe(24);
  expect(slots.map(({ ratio }) => ratio)).toEqual([4, 20, 24, 26, 30].map((size) => size / 24));
  // The distances from the median are 20, 4, 0, 2, 6: their median is 4.
  expect(slots[0]?.deviations).toBeCloseTo(20 / (1.4826 * 4), 10);
});

test('a size counts by how often it succeeds', () => {
  const { slots } = scoreSlots([
    { size: 5, success: rate(50, 100) },
    { size: 20, success: all },
    { size: 20, success: all },
  ]);
  expect(slots[0]?.ratio).toBe(10 / 20);
});

test('a trigger that fails is unreachable, not small', () => {
  const { slots } = scoreSlots([
    { size: 1, success: rate(10, 100) },
    { size: 20, success: all },
    { size: 25, success: all },
  ]);
  expect(slots[0]).toMatchObject({ reachable: false, ratio: 1 });
});

test('where only one class can be reached, the others count as at least as far as they got', () => {
  const { slots } = scoreSlots([
    { size: 2, success: all },
    { size: 60, success: rate(5, 100) },
    { size: 80, success: rate(0, 100) },
  ]);
  expect(slots[0]?.ratio).toBeCloseTo(2 / 60, 10);
});

test('where no class can be reached, none stands out', () => {
  const { slots } = scoreSlots([1, 2, 300].map((size) => ({ size, success: rate(0, 100) })));
  expect(slots.every(({ reachable }) => !reachable)).toBe(true);
});

test('the median of an even count is between the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, 0]);
});

test('a target that is no class is compared with the classes, and changes no median', () => {
  const { typical, slots } = scored(
    [2, 20, 30, 40].map((size) => ({ size, success: all })),
    [false, true, true, true],
  );
  expect(typical).toBe(30);
  expect(slots[0]?.ratio).toBeCloseTo(2 / 30, 12);
});
