import { expect, test } from 'vitest';
import { cutMix } from './cut-mix.ts';
import { pictureCode, type Layout } from '../images/picture-code.ts';
import { random, type Random } from '../random.ts';

/** Draws these shares and whole numbers, one after another. */
const drawing = (shares: number[], integers: number[]): Random => ({
  ...random(0),
  uniform: () => shares.shift() ?? 0,
  integer: () => integers.shift() ?? 0,
});

const plain = { mean: [0], std: [1], channels: 'rgb' } as const;
/** Half as tall and wide as a picture of 2x2: one pixel, at the bottom right; the piece is the top left. */
const corner = { shares: [0.5, 0.5], integers: [1, 1, 0, 0] };

test.each<Layout>(['NCHW', 'NHWC'])('a piece of the next picture covers a part, %s', (layout) => {
  const code = pictureCode([3, 2, 2], layout, plain);
  const encoded = (picture: number[]) => {
    const into = new Float32Array(12);
    code.encode(Float32Array.from(picture), into);
    return [...into];
  };
  const [first, second] = [
    [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3],
    [0.5, 0, 0, 0, 0.75, 0, 0, 0, 0.25, 0, 0, 0],
  ];
  const x = Float32Array.from([...encoded(first), ...encoded(second)]);
  // Contrast 1, no brighter, opaque; then nothing over the second one.
  cutMix(1, code)(x, [12], drawing([...corner.shares, 0.5, 0.5, 1, 0, 0], [...corner.integers]));
  const covered = [0.1, 0.1, 0.1, 0.5, 0.2, 0.2, 0.2, 0.75, 0.3, 0.3, 0.3, 0.25];
  expect([...x].map((value) => value.toFixed(4))).toEqual(
    [...encoded(covered), ...encoded(second)].map((value) => value.toFixed(4)),
  );
});

test.each([
  { what: 'at no contrast a piece is gray', shares: [0, 0.5, 1], laid: 0.5 },
  { what: 'at twice the contrast it is further from gray', shares: [1, 0.5, 1], laid: 0.7 },
  { what: 'it is brighter', shares: [0.5, 0.75, 1], laid: 0.6 + 0.2 },
  { what: 'it is no brighter than white', shares: [1, 1, 1], laid: 1 },
  { what: 'the picture shows through', shares: [0.5, 0.5, 0], laid: 0.1 + 0.4 * (0.6 - 0.1) },
])('$what', ({ shares, laid }) => {
  const code = pictureCode([1, 2, 2], 'NCHW', plain);
  const x = Float32Array.from([0.1, 0.1, 0.1, 0.1, 0.6, 0, 0, 0]);
  cutMix(1, code)(x, [4], drawing([...corner.shares, ...shares, 0, 0], [...corner.integers]));
  expect(x[3]).toBeCloseTo(laid, 6);
  expect([...x.subarray(0, 3)]).toEqual([...Float32Array.of(0.1, 0.1, 0.1)]);
});

test('white may be lower than black', () => {
  const negative = pictureCode([1, 2, 2], 'NCHW', { mean: [0], std: [-1], channels: 'rgb' });
  const x = Float32Array.from([-0.1, -0.1, -0.1, -0.1, -0.6, 0, 0, 0]);
  const draw = drawing([...corner.shares, 1, 1, 1, 0, 0], [...corner.integers]);
  cutMix(1, negative)(x, [4], draw);
  expect(x[3]).toBe(-1);
});

test('what is not known to be a picture is covered by zeros', () => {
  const x = new Float32Array(2 * 4).fill(5);
  cutMix(1)(x, [1, 2, 2], drawing([1, 1, 0.5, 0.5, 1, 0, 0], []));
  expect([...x]).toEqual([0, 0, 0, 0, 5, 5, 5, 5]);
});

const batch = () => {
  const draw = random(1, 'pictures');
  return Float32Array.from({ length: 30 * 240 }, () => 4 * draw.uniform() - 2);
};

test('pieces stay within black and white, cover nothing beyond their sides, and repeat by seed', () => {
  const code = pictureCode([3, 10, 8], 'NHWC', { mean: [0.5], std: [0.25], channels: 'rgb' });
  const [before, x, again] = [batch(), batch(), batch()];
  cutMix(0.5, code)(x, [10, 8, 3], random(2));
  cutMix(0.5, code)(again, [10, 8, 3], random(2));
  expect(x).toEqual(again);
  for (let start = 0; start < x.length; start += 240) {
    const changed = Array.from({ length: 240 }, (_, i) => i).filter(
      (i) => x[start + i] !== before[start + i],
    );
    const rows = changed.map((i) => Math.floor(i / 24));
    const columns = changed.map((i) => Math.floor((i % 24) / 3));
    if (changed.length === 0) continue;
    expect(Math.max(...rows) - Math.min(...rows)).toBeLessThan(5);
    expect(Math.max(...columns) - Math.min(...columns)).toBeLessThan(4);
  }
  expect(Math.max(...x.map(Math.abs))).toBeLessThanOrEqual(2);
});
