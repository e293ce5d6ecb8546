import { expect, test } from 'vitest';
import { arrayDataset, type Dataset } from './dataset.ts';
import { repeatRare } from './scene-balance.ts';

/** Scenes of one pixel, each with an object of every label given. */
function scenes(...labels: readonly (readonly number[])[]) {
  const box = { left: 0, top: 0, right: 1, bottom: 1 };
  const pictures = arrayDataset({
    name: 'scenes',
    classes: ['often', 'rare'],
    sample: [1, 1, 1],
    labels: new Int32Array(labels.length),
    data: Float32Array.from(labels, (_, index) => index),
  });
  return {
    ...pictures,
    objects: labels.map((own) => own.map((label) => ({ label, box, difficult: false }))),
  };
}

async function timesOf(dataset: Dataset, count: number) {
  const shown = new Float32Array(dataset.length);
  await dataset.read([...dataset.labels.keys()], shown);
  return Array.from({ length: count }, (_, index) => shown.filter((x) => x === index).length);
}

test('a scene is there as often as its rarest class asks', async () => {
  // Of 8 scenes 7 have the first class, 2 the second, which so asks for √(8 / 2) of its own; the first
  // for √(8 / 7), which is one, and now and then two.
  const given = scenes([0], [0], [0], [0], [0], [0], [0, 1], [1]);
  const times = await timesOf(repeatRare(given, 1, 0), 8);
  expect(times.slice(6)).toEqual([2, 2]);
  times.slice(0, 6).forEach((count) => expect([1, 2]).toContain(count));
  // √(7/8 · 8 / 7) is 1, and √(7/8 · 8 / 2) 1.87.
  expect((await timesOf(repeatRare(given, 7 / 8, 0), 8)).slice(0, 6)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('fractions come out right in the mean, by the seed', async () => {
  const given = scenes(...Array.from({ length: 300 }, (_, index) => [index % 3 === 0 ? 1 : 0]));
  const repeated = repeatRare(given, 1, 5);
  // 100 of 300 ask for √3 = 1.73 each, 200 for √1.5 = 1.22: 418.1, give or take.
  expect(Math.abs(repeated.length - 418.1)).toBeLessThan(25);
  expect([...repeatRare(given, 1, 5).labels]).toEqual([...repeated.labels]);
  expect(repeatRare(given, 1, 6).length).not.toBe(repeated.length);
});

test('scenes without objects stay, once', async () => {
  const given = scenes([0], [], [1]);
  expect((await timesOf(repeatRare(given, 1, 0), 3))[1]).toBe(1);
});
