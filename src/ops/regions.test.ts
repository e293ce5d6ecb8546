import { expect, test } from 'vitest';
import { type Attributes, float, int64 } from '../onnx/index.ts';
import { gradcheck, normal, tensorOf } from '../../test/helpers/gradcheck.ts';

// Linear in x, so that a long step costs nothing.
const LINEAR = { type: 'float32', step: 0.5 } as const;
const TOLERANCE = 1e-4;

// [left, top, right, bottom]: inside, over the edges, outside, of no extent.
const REGIONS = [1, 2, 9, 8, -3, -2, 5, 20, 40, 40, 50, 50, 4, 4, 4.2, 4.1, 0, 0, 12, 10];

function check(attributes: Attributes, images = [0, 1, 1, 0, 1]) {
  return gradcheck(
    {
      ...LINEAR,
      inputs: { x: normal([2, 2, 5, 6]) },
      build: (b, { x }) =>
        b.op(
          'RoiAlign',
          [x, b.constant(tensorOf('float32', [5, 4], REGIONS)), b.constant(int64([5], images))],
          { output_height: 2, output_width: 3, sampling_ratio: 2, ...attributes },
        ),
    },
    TOLERANCE,
  );
}

test.each([
  ['half_pixel', { spatial_scale: float(0.5) }],
  ['half_pixel, one point a cell', { sampling_ratio: 1 }],
  ['output_half_pixel', { coordinate_transformation_mode: 'output_half_pixel' }],
  [
    'output_half_pixel, three points',
    {
      coordinate_transformation_mode: 'output_half_pixel',
      sampling_ratio: 3,
      spatial_scale: float(0.25),
    },
  ],
] as [string, Attributes][])('RoiAlign %s', async (_, attributes) => {
  await check(attributes);
});

test('RoiAlign of one image', async () => {
  await check({}, [0, 0, 0, 0, 0]);
});

test('RoiAlign refuses what depends on the data, and max', async () => {
  await expect(check({ sampling_ratio: 0 })).rejects.toThrow(/RoiAlign.*sampling_ratio 0/);
  await expect(check({ mode: 'max' })).rejects.toThrow(/RoiAlign.*avg/);
});
