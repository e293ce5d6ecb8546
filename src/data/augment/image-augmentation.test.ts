import { expect, test } from 'vitest';
import { pictureCode, type Layout } from '../images/picture-code.ts';
import { random, type Random } from '../random.ts';
import { type AugmentationName, imageAugmentation, AUGMENTATIONS } from './image-augmentation.ts';

const DIMS = [3, 4, 5] as const;
const SIZE = 3 * 4 * 5;
const picture = (seed: number) => {
  const draw = random(seed);
  return Float32Array.from({ length: SIZE }, () => draw.integer(256) / 255);
};

const rows = (of: Float32Array) =>
  Array.from({ length: 12 }, (_, row) => [...of.subarray(row * 5, row * 5 + 5)]);

/** The same share of every limit, each time. */
const always = (share: number): Random => ({ ...random(0), uniform: () => share });

test('no names change nothing', () => {
  const x = picture(1);
  imageAugmentation([])(x, DIMS, random(2));
  expect(x).toEqual(picture(1));
});

test('a flipped picture is one read from right to left', () => {
  const x = picture(1);
  imageAugmentation(['flip'])(x, DIMS, always(0.49));
  expect(rows(x)).toEqual(rows(picture(1)).map((row) => row.reverse()));
});

test('color alone moves no pixel, and goes at most a tenth of white where all is gray', () => {
  const x = new Float32Array(SIZE).fill(0.5);
  imageAugmentation(['color'])(x, DIMS, random(4));
  // Of one color a picture stays, channel by channel, at most 0.075 and 0.025 away.
  for (let channel = 0; channel < 3; channel += 1) {
    const plane = x.subarray(channel * 20, channel * 20 + 20);
    expect(new Set(plane).size).toBe(1);
    expect(Math.abs((plane[0] as number) - 0.5)).toBeLessThanOrEqual(0.1);
  }
  expect(new Set(x).size).toBe(3);
});

test('every augmentation changes something, each picture on its own, the same by the same seed', () => {
  const [count, same] = [12, picture(1)];
  const augmented = (one: AugmentationName) => {
    const x = new Float32Array(count * SIZE);
    for (let i = 0; i < count; i += 1) x.set(same, i * SIZE);
    imageAugmentation([one])(x, DIMS, random(7));
    return x;
  };
  for (const one of AUGMENTATIONS) {
    const x = augmented(one);
    expect(augmented(one), one).toEqual(x);
    const each = Array.from({ length: count }, (_, i) => x.subarray(i * SIZE, (i + 1) * SIZE));
    expect(new Set(each.map(String)).size, one).toBeGreaterThan(1);
  }
});

test.each<Layout>(['NCHW', 'NHWC'])(
  'pictures in the code of a network are the same ones, %s',
  (layout) => {
    const how = { mean: [0.5, 0.4, 0.3], std: [0.25], channels: 'bgr' } as const;
    const code = pictureCode(DIMS, layout, how);
    const plain = picture(3);
    const coded = new Float32Array(SIZE);
    code.encode(plain, coded);
    imageAugmentation(AUGMENTATIONS)(plain, DIMS, random(5));
    imageAugmentation(AUGMENTATIONS, code)(coded, layout === 'NCHW' ? DIMS : [4, 5, 3], random(5));
    for (const [i, value] of code.decode(coded).entries()) {
      // What is next to a whole number of 255ths comes back as that.
      expect(Math.abs(value - (plain[i] as number))).toBeLessThan(1e-5);
    }
  },
);
