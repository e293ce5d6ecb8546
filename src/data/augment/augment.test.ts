import { describe, expect, test } from 'vitest';
import {
  type Augment,
  randomErasing,
  compose,
  colorJitter,
  gaussianNoise,
  shift,
  randomAffine,
} from './augment.ts';
import { pictureCode, type Layout } from '../images/picture-code.ts';
import { preset } from '../images/preprocess.ts';
import { random, type Random } from '../random.ts';

/** Draws these whole numbers, one after another. */
const drawing = (...numbers: number[]): Random => ({
  ...random(0),
  integer: () => numbers.shift() ?? 0,
});

const images = () => Float32Array.from({ length: 20 * 25 }, (_, i) => (i % 25) + 1);

test('an image moves down and right, and zeros come in', () => {
  const x = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  shift(1)(x, [1, 3, 3], drawing(2, 2));
  expect([...x]).toEqual([0, 0, 0, 0, 1, 2, 0, 4, 5]);
});

test('an image moves up and left in every channel by the same', () => {
  const x = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  shift(1)(x, [2, 2, 2], drawing(0, 0));
  expect([...x]).toEqual([4, 0, 0, 0, 8, 0, 0, 0]);
});

test('images move each on its own, and the same seed moves them the same', () => {
  const [a, b] = [images(), images()];
  shift(2)(a, [1, 5, 5], random(1));
  shift(2)(b, [1, 5, 5], random(1));
  expect(a).toEqual(b);
  const first = a.slice(0, 25).join();
  expect(
    Array.from({ length: 20 }, (_, i) => a.slice(i * 25, i * 25 + 25).join() === first),
  ).toContain(false);
});

test('a shift of nothing leaves the images alone', () => {
  const x = Float32Array.from([1, 2, 3, 4]);
  shift(0)(x, [1, 2, 2], random(0));
  expect([...x]).toEqual([1, 2, 3, 4]);
});

test.each<Layout>(['NCHW', 'NHWC'])('black comes in whatever layout and scale, %s', (layout) => {
  const code = pictureCode([3, 2, 2], layout, preset('caffe'));
  const encoded = (picture: Uint8Array) => {
    const x = new Float32Array(12);
    code.encodeBytes(picture, x);
    return x;
  };
  const x = encoded(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  shift(1, code)(x, layout === 'NCHW' ? [3, 2, 2] : [2, 2, 3], drawing(1, 2));
  expect(x).toEqual(encoded(Uint8Array.of(0, 1, 0, 3, 0, 5, 0, 7, 0, 9, 0, 11)));
});

/** Draws these shares, and then the middle, which changes nothing. */
const sharing = (...shares: number[]): Random => ({
  ...random(0),
  uniform: () => shares.shift() ?? 0.5,
});

const STILL = { translate: 0, scale: 0, rotate: 0, flip: false };

const square = () => Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);

describe('randomAffine', () => {
  test('of nothing leaves images alone', () => {
    const x = square();
    randomAffine(STILL)(x, [1, 3, 3], random(1));
    expect(x).toEqual(square());
  });

  test('translates by pixels, and repeats the edges', () => {
    const x = square();
    randomAffine({ ...STILL, translate: 1 })(x, [1, 3, 3], sharing(1, 0.5));
    expect([...x]).toEqual([1, 1, 2, 4, 4, 5, 7, 7, 8]);
  });

  test('takes the mean between two pixels', () => {
    const x = Float32Array.from([0, 2, 6]);
    randomAffine({ ...STILL, translate: 0.5 })(x, [1, 1, 3], sharing(0, 0.5));
    expect([...x]).toEqual([1, 4, 6]);
  });

  test('flips every channel', () => {
    const x = Float32Array.from([1, 2, 3, 4, 5, 6]);
    // Two translations, an angle and a scale are drawn before the flip.
    randomAffine({ ...STILL, flip: true })(x, [2, 1, 3], sharing(0.5, 0.5, 0.5, 0.5, 0));
    expect([...x]).toEqual([3, 2, 1, 6, 5, 4]);
  });

  test('rotates clockwise', () => {
    const x = square();
    randomAffine({ ...STILL, rotate: 90 })(x, [1, 3, 3], sharing(0.5, 0.5, 1));
    expect([...x].map(Math.round)).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3]);
  });

  test('scales around the middle', () => {
    const x = Float32Array.from([0, 1, 2, 3, 4]);
    randomAffine({ ...STILL, scale: 1 })(x, [1, 1, 5], sharing(0.5, 0.5, 0.5, 1));
    expect([...x]).toEqual([1, 1.5, 2, 2.5, 3]);
  });

  test('makes up no value that was not between two of the image', () => {
    const x = Float32Array.from({ length: 2 * 3 * 7 * 5 }, (_, i) => (i * 37) % 11);
    randomAffine({ translate: 4, scale: 0.5, rotate: 60, flip: true })(x, [3, 7, 5], random(3));
    expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...x)).toBeLessThanOrEqual(10);
  });
});

test('color jitter changes contrast about the mean, brightness and the tint of a channel', () => {
  const x = Float32Array.from([0, 2, 4, 6]);
  colorJitter({ brightness: 1, contrast: 0.5, tint: 0.25 })(x, [2, 1, 2], sharing(1, 0, 1, 0));
  // (x - 3) * 1.5 + 3 - 1, then + 0.25 and - 0.25.
  expect([...x]).toEqual([-2.25, 0.75, 3.25, 6.25]);
});

test('a rectangle is erased in all channels of an image', () => {
  const x = new Float32Array(2 * 3 * 4).fill(1);
  const draw = { ...sharing(1, 0.5), integer: () => 1 };
  randomErasing({ most: 0.67 })(x, [2, 3, 4], draw);
  const plane = [1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1];
  expect([...x]).toEqual([...plane, ...plane]);
});

test.each<Layout>(['NCHW', 'NHWC'])('pictures are covered from black to white, %s', (layout) => {
  const code = pictureCode([3, 2, 2], layout, { mean: [0.5], std: [0.25], channels: 'rgb' });
  const x = new Float32Array(12).fill(9);
  // As tall as the picture, half as wide, at the left.
  randomErasing({ most: 1 }, code)(x, [12], { ...sharing(1, 0.5, 0, 0.5, 1), integer: () => 0 });
  const [black, gray, white] = [-2, 0, 2];
  expect([...x]).toEqual(
    layout === 'NCHW'
      ? [black, gray, white].flatMap((color) => [color, 9, color, 9])
      : [black, gray, white, 9, 9, 9, black, gray, white, 9, 9, 9],
  );
});

const add: Augment = (x) => x.forEach((value, i) => (x[i] = value + 1));
const double: Augment = (x) => x.forEach((value, i) => (x[i] = value * 2));

test('every image is covered as often as asked for, by colors within the limits', () => {
  const x = new Float32Array(2 * 3 * 2 * 2).fill(9);
  const draw = { ...sharing(1, 1, 0, 0.5, 1, 1, 1, 1, 1, 1), integer: () => 0 };
  randomErasing({ most: 0.5, low: -1, high: 3 })(x, [3, 2, 2], draw);
  expect([...x.subarray(0, 12)]).toEqual([-1, 9, 9, 9, 1, 9, 9, 9, 3, 9, 9, 9]);
  expect([...x.subarray(12)]).toEqual([3, 9, 9, 9, 3, 9, 9, 9, 3, 9, 9, 9]);
  randomErasing({ most: 1, times: 2 })(x, [3, 2, 2], {
    ...sharing(0, 0, 0, 0, 0),
    integer: () => 0,
  });
  expect(x.filter((value) => value === 0)).toHaveLength(2 * 3);
});

test('changes come one after another', () => {
  const x = Float32Array.from([1, 2, 3]);
  compose(add, double)(x, [3], random(0));
  expect([...x]).toEqual([4, 6, 8]);
});

test('moved across alone, rows stay where they are', () => {
  const x = Float32Array.from({ length: 40 * 12 }, (_, i) => 1 + Math.floor((i % 12) / 4));
  shift({ across: 2, down: 0 })(x, [1, 3, 4], random(1, 'augment'));
  const moves = new Set<string>();
  for (let start = 0; start < x.length; start += 12) {
    const rows = [0, 1, 2].map((row) => [...x.subarray(start + 4 * row, start + 4 * row + 4)]);
    const places = (rows[0] as number[]).map((value) => Number(value > 0));
    for (const [row, values] of rows.entries()) {
      expect(values).toEqual(places.map((there) => there * (row + 1)));
    }
    moves.add(places.join(''));
  }
  expect([...moves].sort()).toEqual(['0011', '0111', '1100', '1110', '1111']);
});

test('noise has a deviation of its own in every sample, up to the most', () => {
  const x = new Float32Array(50 * 1000);
  gaussianNoise(0.2)(x, [1, 10, 100], random(1, 'augment'));
  const deviations = Array.from({ length: 50 }, (_, i) => {
    const own = x.subarray(1000 * i, 1000 * i + 1000);
    return Math.sqrt(own.reduce((sum, value) => sum + value * value, 0) / 1000);
  });
  expect(Math.max(...deviations)).toBeLessThan(0.22);
  expect(Math.max(...deviations)).toBeGreaterThan(0.15);
  expect(Math.min(...deviations)).toBeLessThan(0.05);
});
