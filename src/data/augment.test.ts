import { expect, test } from 'vitest';
import { shift } from './augment.ts';
import { pictureCode, type Layout } from './picture-code.ts';
import { preset } from './preprocess.ts';
import { random, type Random } from './random.ts';

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
