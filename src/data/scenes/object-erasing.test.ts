import { expect, test } from 'vitest';
import { random } from '../random.ts';
import { eraseObjects } from './object-erasing.ts';

const [HEIGHT, WIDTH] = [40, 50];
const box = { left: 10, top: 5, right: 30, bottom: 35 };

/** Where a black scene with one object is covered: pixels of any channel that are no longer black. */
function covered(seed: number, settings: Parameters<typeof eraseObjects>[2]) {
  const x = new Float32Array(3 * HEIGHT * WIDTH);
  const objects = [{ label: 0, box }];
  eraseObjects({ x, objects }, [3, HEIGHT, WIDTH], settings, random(seed));
  const area = HEIGHT * WIDTH;
  return Array.from({ length: area }, (_, at) => at).filter(
    (at) => Math.max(...[0, 1, 2].map((channel) => x[channel * area + at] as number)) > 0,
  );
}

test('patches lie on the object, and are no larger than asked', () => {
  let patches = 0;
  for (let seed = 0; seed < 50; seed += 1) {
    const places = covered(seed, { share: 1, most: 0.4, times: 1 });
    const columns = places.map((at) => at % WIDTH);
    const rows = places.map((at) => Math.floor(at / WIDTH));
    if (places.length === 0) continue;
    patches += 1;
    const [left, right] = [Math.min(...columns), Math.max(...columns) + 1];
    const [top, bottom] = [Math.min(...rows), Math.max(...rows) + 1];
    expect(left).toBeGreaterThanOrEqual(10);
    expect(right).toBeLessThanOrEqual(30);
    expect(top).toBeGreaterThanOrEqual(5);
    expect(bottom).toBeLessThanOrEqual(35);
    // Two fifths of 20 and of 30 pixels, and one for the whole pixels at both ends.
    expect(right - left).toBeLessThanOrEqual(9);
    expect(bottom - top).toBeLessThanOrEqual(13);
    expect(places.length).toBe((right - left) * (bottom - top));
  }
  expect(patches).toBeGreaterThan(40);
});

test('of the objects a share is covered, each with up to so many patches', () => {
  const seeds = Array.from({ length: 400 }, (_, seed) => seed);
  const share = seeds.filter(
    (seed) => covered(seed, { share: 0.3, most: 1, times: 1 }).length > 0,
  ).length;
  expect(Math.abs(share / 400 - 0.3)).toBeLessThan(0.08);
  const area = (times: number) =>
    seeds.reduce((sum, seed) => sum + covered(seed, { share: 1, most: 0.2, times }).length, 0);
  // One to five, three in the mean: some overlap.
  expect(area(5) / area(1)).toBeGreaterThan(2.5);
  expect(area(5) / area(1)).toBeLessThan(3.2);
  expect(covered(1, { share: 0, most: 1, times: 1 })).toEqual([]);
  expect(covered(1, { classes: [1], share: 1, most: 1, times: 1 })).toEqual([]);
  expect(covered(1, { classes: [0, 1], share: 1, most: 1, times: 1 })).not.toEqual([]);
});

test('is the same for the same seed', () => {
  const settings = { share: 1, most: 0.5, times: 3 };
  expect(covered(3, settings)).toEqual(covered(3, settings));
  expect(covered(3, settings)).not.toEqual(covered(4, settings));
});
