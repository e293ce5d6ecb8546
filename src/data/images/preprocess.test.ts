import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pictureCode, type Layout } from './picture-code.ts';
import { preprocessFrom, preset, presets } from './preprocess.ts';
import { arrayDataset } from '../dataset.ts';
import { encodedLike, picturesOf, rescaled } from './rescale.ts';

const WHITE = Uint8Array.of(255, 255, 255);
const encode = (name: (typeof presets)[number], picture = WHITE) => {
  const into = new Float32Array(3);
  pictureCode([3, 1, 1], 'NCHW', preset(name)).encodeBytes(picture, into);
  return [...into];
};

describe('presets, on white and black', () => {
  test.each([
    ['0-1', [1, 1, 1], [0, 0, 0]],
    ['0-255', [255, 255, 255], [0, 0, 0]],
    ['-1-1', [1, 1, 1], [-1, -1, -1]],
    // torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    ['imagenet', [2.2489083, 2.4285715, 2.64], [-2.117904, -2.0357144, -1.8044444]],
    // keras.applications.resnet50.preprocess_input: BGR less its mean.
    ['caffe', [151.061, 138.221, 131.32], [-103.939, -116.779, -123.68]],
  ] as const)('%s', (name, white, black) => {
    for (const [made, wanted] of [
      [encode(name), white],
      [encode(name, new Uint8Array(3)), black],
    ] as const) {
      for (const [i, value] of wanted.entries()) expect(made[i]).toBeCloseTo(value, 4);
    }
  });

  test('whole numbers stay whole', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const into = new Float32Array(256);
    pictureCode([1, 16, 16], 'NCHW', preset('0-255')).encodeBytes(bytes, into);
    expect([...into]).toEqual([...bytes]);
  });
});

test('layout and order of channels: where each pixel goes', () => {
  // Two pixels: red (1, 0, 0) and, say, (0.2, 0.4, 0.6).
  const picture = Float32Array.of(1, 0.25, 0, 0.5, 0, 0.75);
  const made = (layout: Layout, channels: 'rgb' | 'bgr') => {
    const into = new Float32Array(6);
    pictureCode([3, 1, 2], layout, { mean: [0], std: [1], channels }).encode(picture, into);
    return [...into];
  };
  expect(made('NCHW', 'rgb')).toEqual([1, 0.25, 0, 0.5, 0, 0.75]);
  expect(made('NHWC', 'rgb')).toEqual([1, 0, 0, 0.25, 0.5, 0.75]);
  expect(made('NCHW', 'bgr')).toEqual([0, 0.75, 0, 0.5, 1, 0.25]);
  expect(made('NHWC', 'bgr')).toEqual([0, 0, 1, 0.75, 0.5, 0.25]);
});

test('bytes come back to the bit from any sample, and black is what a black pixel is', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...presets),
      fc.constantFrom<Layout>('NCHW', 'NHWC'),
      fc.constantFrom(1, 3),
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      (name, layout, channels, bytes) => {
        const dims = [channels, 2, 2] as const;
        const picture = bytes.subarray(0, channels * 4);
        const code = pictureCode(dims, layout, preset(name));
        const sample = new Float32Array(picture.length);
        code.encodeBytes(picture, sample);
        expect([...code.decode(sample)]).toEqual([...Float32Array.from(picture, (b) => b / 255)]);
        const again = new Float32Array(picture.length);
        code.encode(code.decode(sample), again);
        const apart = again.map((value, i) => Math.abs(value - (sample[i] as number)));
        expect(Math.max(...apart)).toBeLessThan(1e-4);
        code.encodeBytes(new Uint8Array(picture.length), sample);
        const black =
          layout === 'NCHW' ? [...sample].filter((_, i) => i % 4 === 0) : sample.slice(0, channels);
        expect([...code.black]).toEqual([...black]);
      },
    ),
  );
});

test('a data set seen as pictures, changed, and put back is changed in its own scale', async () => {
  const code = pictureCode([3, 1, 1], 'NHWC', preset('imagenet'));
  const sample = new Float32Array(3);
  code.encodeBytes(Uint8Array.of(10, 20, 30), sample);
  const dataset = {
    ...arrayDataset({
      name: 'one',
      classes: ['a'],
      sample: [1, 1, 3],
      labels: Int32Array.of(0),
      data: sample,
    }),
    pictures: code,
  };
  const pictures = picturesOf(dataset);
  const x = new Float32Array(3);
  await pictures.read([0], x);
  expect([pictures.sample, [...x]]).toEqual([
    [3, 1, 1],
    [...Float32Array.of(10 / 255, 20 / 255, 30 / 255)],
  ]);
  const back = encodedLike(pictures, dataset);
  await back.read([0], x);
  expect(back.sample).toEqual([1, 1, 3]);
  for (const [i, value] of x.entries()) expect(value).toBeCloseTo(sample[i] as number, 5);
  await rescaled(dataset, preset('0-255')).read([0], x);
  expect([...x]).toEqual([10, 20, 30]);
});

describe('what a person says', () => {
  test('JSON on top of a preset, and one number for all channels', () => {
    expect(preprocessFrom('{"preset": "imagenet", "resize": "area", "crop": 256}', 'x')).toEqual({
      ...preset('imagenet'),
      resize: 'area',
      crop: 256,
    });
    expect(preprocessFrom('{"mean": 0.5, "channels": "bgr"}', 'x')).toEqual({
      ...preset('0-1'),
      mean: [0.5],
      channels: 'bgr',
    });
  });

  test('nothing is the usual', () => {
    expect(preprocessFrom({}, 'x', '0-255')).toEqual(preset('0-255'));
  });
});
