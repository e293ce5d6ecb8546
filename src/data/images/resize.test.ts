import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { center, inChannels, planesOf, type Picture } from './picture.ts';
import { resize, type Filter } from './resize.ts';

interface Golden {
  readonly width: number;
  readonly height: number;
  readonly pixels: number[];
  readonly gray: number[];
  readonly resized: { filter: Filter; width: number; height: number; pixels: number[] }[];
}

const golden = JSON.parse(
  await readFile(new URL('../../../test/golden/data/resize.json', import.meta.url), 'utf8'),
) as Golden;
const picture: Picture = { ...golden, channels: 3, pixels: Uint8Array.from(golden.pixels) };
const gray = (width: number, ...pixels: number[]): Picture => ({
  width,
  height: pixels.length / width,
  channels: 1,
  pixels: Uint8Array.from(pixels),
});

describe('as Pillow does it', () => {
  test.each(golden.resized)('$filter to $width x $height', ({ filter, width, height, pixels }) => {
    const made = resize(picture, width, height, filter);
    expect(made).toMatchObject({ width, height, channels: 3 });
    expect([...made.pixels]).toEqual(pixels);
  });

  test('colors to gray', () => {
    expect([...inChannels(picture, 1).pixels]).toEqual(golden.gray);
  });
});

test('linear takes the two nearest pixels, even where a picture shrinks', () => {
  // Centers of the two new pixels: 1 and 3 in edges, 0.5 and 2.5 in centers of old ones.
  expect([...resize(gray(4, 0, 100, 0, 200), 2, 1, 'linear').pixels]).toEqual([50, 100]);
  // From eight to two: 1.5 and 5.5.
  const eight = gray(8, 200, 10, 30, 200, 200, 40, 80, 200);
  expect([...resize(eight, 2, 1, 'linear').pixels]).toEqual([20, 60]);
  expect([...resize(eight, 2, 1, 'area').pixels]).toEqual([110, 130]);
});

test('the same size is the same picture', () => {
  expect(resize(picture, 13, 9, 'bicubic').pixels).toEqual(picture.pixels);
});

test('gray to colors repeats it, and colors lie in planes for a network', () => {
  const color = inChannels(gray(2, 7, 9), 3);
  expect([...color.pixels]).toEqual([7, 7, 7, 9, 9, 9]);
  expect([...planesOf({ ...color, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) })]).toEqual([
    1, 4, 2, 5, 3, 6,
  ]);
});

test('the middle is cut out', () => {
  expect([...center(gray(4, 0, 1, 2, 3, 4, 5, 6, 7), 2, 2).pixels]).toEqual([1, 2, 5, 6]);
});
