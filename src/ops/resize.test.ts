import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Builder } from '../graph/index.ts';
import { float, float32, type Attributes } from '../onnx/index.ts';
import { seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, modelOf, normal, testRuntime } from '../../test/helpers/gradcheck.ts';
import { type Interpolation, tapsOf } from './interpolation.ts';

// Resize is linear in x, so that a long step costs nothing and rounding matters little.
const LINEAR = { type: 'float32', step: 0.5 } as const;
const TOLERANCE = 1e-4;
const f32 = Math.fround;
const COORDINATES = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];

const how = fc.oneof(
  fc.record({
    mode: fc.constant('nearest' as const),
    coordinates: fc.constantFrom(...COORDINATES, 'half_pixel_symmetric'),
    nearest: fc.constantFrom(...NEAREST),
  }),
  fc.record({
    mode: fc.constantFrom('linear' as const, 'cubic' as const),
    coordinates: fc.constantFrom(...COORDINATES, 'half_pixel_symmetric'),
    nearest: fc.constant('floor'),
  }),
);
const scale = fc.oneof(
  fc.constantFrom(0.25, 0.5, 2, 3, 1.5, 2 / 3),
  fc.double({ min: 0.3, max: 3.5, noNaN: true }),
);

function attributesOf(how: Partial<Interpolation>): Attributes {
  return {
    mode: how.mode ?? 'nearest',
    coordinate_transformation_mode: how.coordinates ?? 'half_pixel',
    nearest_mode: how.nearest ?? 'round_prefer_floor',
    ...(how.cubicCoefficient !== undefined && { cubic_coeff_a: float(how.cubicCoefficient) }),
    ...(how.excludeOutside && { exclude_outside: 1 }),
  };
}

const whole = (partial: Partial<Interpolation>): Interpolation => ({
  mode: 'nearest',
  coordinates: 'half_pixel',
  nearest: 'round_prefer_floor',
  cubicCoefficient: -0.75,
  excludeOutside: false,
  roi: [0, 1],
  ...partial,
});

/**
 * Resizes the rows of the identity matrix, each an image of one row: the interpolation matrix,
 * transposed. The other axis is doubled, as ONNX Runtime copies what keeps its dims.
 */
async function matrixOf(size: number, by: number, attributes: Attributes, roi?: number[]) {
  const b = new Builder();
  const eye = float32(
    [size, 1, 1, size],
    Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
  );
  const x = b.input('x', 'float32', eye.dims);
  const scales = b.constant(float32([4], [1, 1, 2, by]));
  const region = roi ? b.constant(float32([8], [0, 0, 0, roi[0] ?? 0, 1, 1, 1, roi[1] ?? 1])) : '';
  const y = b.op('Resize', [x, region, scales], attributes);
  const session = await (await testRuntime()).open(modelOf(b.build([{ name: y }])));
  const { [y]: out } = await session.run({ x: eye });
  await session.dispose();
  return out as { dims: readonly number[]; data: Float32Array };
}

function compare(
  size: number,
  out: { dims: readonly number[]; data: Float32Array },
  taps: ReturnType<typeof tapsOf>,
) {
  const places = out.dims[3] as number;
  expect(taps.length).toBe(places);
  const mine = new Float32Array(size * places);
  for (const [place, each] of taps.entries()) {
    for (const { at, weight } of each) mine[at * places + place]! += weight;
  }
  mine.forEach((value, index) => {
    const at = 2 * index - (index % places);
    expect(value).toBeCloseTo(out.data[at] as number, 4);
  });
}

describe('the taps of an axis', () => {
  test('are those that ONNX Runtime reads', async () => {
    await fc.assert(
      fc.asyncProperty(how, fc.integer({ min: 1, max: 9 }), scale, async (how, size, by) => {
        const float = f32(by);
        fc.pre(Math.floor(size * float) > 0);
        const out = await matrixOf(size, float, attributesOf(how));
        compare(size, out, tapsOf(size, out.dims[3] as number, float, whole(how)));
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  test.each([
    ['cubic', { mode: 'cubic', cubicCoefficient: -0.5 }],
    ['cubic without what is outside', { mode: 'cubic', excludeOutside: true }],
  ] as const)('%s', async (_, how) => {
    for (const by of [0.6, 1.7]) {
      const out = await matrixOf(5, f32(by), attributesOf(how));
      compare(5, out, tapsOf(5, out.dims[3] as number, f32(by), whole(how)));
    }
  });

  test.each(['nearest', 'linear'] as const)('%s in a region that reaches outside', async (mode) => {
    const how = { mode, coordinates: 'tf_crop_and_resize' };
    const out = await matrixOf(6, 1.5, attributesOf(how), [-0.2, 0.9]);
    compare(6, out, tapsOf(6, 9, 1.5, whole({ ...how, roi: [f32(-0.2), f32(0.9)] })));
  });
});

describe('Resize', () => {
  test.each(['half_pixel', 'tf_crop_and_resize'])(
    'that keeps the dims, %s',
    async (coordinates) => {
      await gradcheck(
        {
          ...LINEAR,
          inputs: { x: normal([1, 1, 2, 5]) },
          build: (b, { x }) => {
            const region = b.constant(float32([8], [0, 0, 0, 0.2, 1, 1, 1, 0.8]));
            const scales = b.constant(float32([4], [1, 1, 1.1, 1.1]));
            return b.op(
              'Resize',
              [x, region, scales],
              attributesOf({ mode: 'linear', coordinates }),
            );
          },
        },
        TOLERANCE,
      );
    },
  );

  test('of images by scales', async () => {
    await fc.assert(
      fc.asyncProperty(how, scale, scale, seeds, async (how, rows, columns, seed) => {
        await gradcheck(
          {
            ...LINEAR,
            inputs: { x: normal([2, 2, 4, 5], seed) },
            build: (b, { x }) =>
              b.op(
                'Resize',
                [x, '', b.constant(float32([4], [1, 1, rows, columns]))],
                attributesOf(how),
              ),
          },
          TOLERANCE,
        );
      }),
      { seed: 2, numRuns: 20 },
    );
  });

  test.each([
    ['one axis', 'nearest', [1, 2, 5], [1, 2, 8]],
    ['one axis', 'linear', [4, 5], [3, 8]],
    ['volumes', 'nearest', [1, 2, 2, 3, 2], [1, 2, 4, 6, 6]],
    ['volumes', 'linear', [1, 2, 2, 3, 2], [1, 2, 4, 2, 3]],
    ['images to a smaller size', 'linear', [1, 2, 5, 6], [1, 2, 3, 3]],
  ])('of %s to sizes, %s', async (_, mode, from, to) => {
    await gradcheck(
      {
        ...LINEAR,
        inputs: { x: normal(from) },
        build: (b, { x }) => b.op('Resize', [x, '', '', b.ints(to)], { mode }),
      },
      TOLERANCE,
    );
  });

  test.each(['not_larger', 'not_smaller'])('of some axes, %s', async (policy) => {
    await gradcheck(
      {
        ...LINEAR,
        inputs: { x: normal([1, 2, 4, 6]) },
        build: (b, { x }) =>
          b.op('Resize', [x, '', '', b.ints([7, 8])], {
            mode: 'linear',
            axes: [2, 3],
            keep_aspect_ratio_policy: policy,
          }),
      },
      TOLERANCE,
    );
  });

  test.each([[[1, 1, 2, 3]], [[1, 1, 2, 0.5]]])('repeats elements by %j', async (scales) => {
    await gradcheck(
      {
        ...LINEAR,
        inputs: { x: normal([1, 2, 3, 4]) },
        build: (b, { x }) =>
          b.op('Resize', [x, '', b.constant(float32([4], scales))], { mode: 'nearest' }),
      },
      TOLERANCE,
    );
  });

  test('refuses antialias', async () => {
    const check = gradcheck(
      {
        ...LINEAR,
        inputs: { x: normal([1, 1, 4, 4]) },
        build: (b, { x }) =>
          b.op('Resize', [x, '', b.constant(float32([4], [1, 1, 0.5, 0.5]))], {
            mode: 'linear',
            antialias: 1,
          }),
      },
      TOLERANCE,
    );
    await expect(check).rejects.toThrow(/Resize.*antialias/);
  });
});
