import { describe, expect, test } from 'vitest';
import type { Attributes } from '../onnx/index.ts';
import { gradcheck, normal, tensorOf, uniform } from '../../test/helpers/gradcheck.ts';

const TOLERANCE = 1e-3;

describe('GridSample', () => {
  const cases = ['zeros', 'border', 'reflection'].flatMap((padding_mode) =>
    [0, 1].map((align_corners) => ({ padding_mode, align_corners })),
  );

  test.each(cases)('by x, %j', async (attributes) => {
    const grid = uniform([2, 3, 4, 2], 3, -2.5, 2.5);
    await gradcheck(
      {
        type: 'float32',
        step: 0.5,
        inputs: { x: normal([2, 2, 4, 5]) },
        build: (b, { x }) =>
          b.op(
            'GridSample',
            [x, b.constant(tensorOf('float32', grid.dims, grid.data))],
            attributes,
          ),
      },
      TOLERANCE,
    );
  });

  test.each(cases)('by the grid, %j', async (attributes) => {
    // Points that stay clear of the elements, where the slope jumps, and reach outside.
    const points = [-1.62, -1.13, -0.71, -0.4, 0.14, 0.47, 0.88, 1.41];
    const pairs = points.flatMap((x, at) => [x, points[(3 * at + 1) % 8] as number]);
    await gradcheck(
      {
        type: 'float32',
        step: 2e-3,
        inputs: { grid: { dims: [1, 2, 4, 2], data: pairs } },
        build: (b, { grid }) => {
          const { dims, data } = normal([1, 3, 4, 4]);
          return b.op(
            'GridSample',
            [b.constant(tensorOf('float32', dims, data)), grid],
            attributes,
          );
        },
      },
      5e-3,
    );
  });

  test('nearest', async () => {
    const grid = uniform([2, 3, 4, 2], 5, -1.4, 1.4);
    await gradcheck(
      {
        type: 'float32',
        step: 0.5,
        inputs: { x: normal([2, 2, 4, 5]) },
        build: (b, { x }) =>
          b.op('GridSample', [x, b.constant(tensorOf('float32', grid.dims, grid.data))], {
            mode: 'nearest',
          }),
      },
      TOLERANCE,
    );
  });

  test('of volumes', async () => {
    const grid = uniform([1, 2, 2, 2, 3], 6, -1.4, 1.4);
    await gradcheck(
      {
        type: 'float32',
        step: 0.5,
        inputs: { x: normal([1, 2, 3, 4, 2]) },
        build: (b, { x }) =>
          b.op('GridSample', [x, b.constant(tensorOf('float32', grid.dims, grid.data))]),
      },
      TOLERANCE,
    );
  });

  test('refuses cubic', async () => {
    const check = gradcheck(
      {
        type: 'float32',
        inputs: { x: normal([1, 1, 4, 4]), grid: uniform([1, 2, 2, 2], 1, -1, 1) },
        build: (b, { x, grid }) => b.op('GridSample', [x, grid], { mode: 'cubic' }),
      },
      TOLERANCE,
    );
    await expect(check).rejects.toThrow(/GridSample.*cubic/);
  });
});

describe('AffineGrid', () => {
  test.each([
    [[2, 2, 3], [2, 3, 4, 5], { align_corners: 0 }],
    [[2, 2, 3], [2, 3, 4, 5], { align_corners: 1 }],
    [[1, 3, 4], [1, 2, 2, 3, 4], { align_corners: 0 }],
  ] as [number[], number[], Attributes][])(
    'theta %j, size %j, %j',
    async (theta, size, attributes) => {
      await gradcheck(
        {
          type: 'float32',
          step: 0.5,
          inputs: { theta: normal(theta) },
          build: (b, { theta }) => b.op('AffineGrid', [theta, b.ints(size)], attributes),
        },
        TOLERANCE,
      );
    },
  );
});
