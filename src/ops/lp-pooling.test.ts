import { describe, test } from 'vitest';
import type { Attributes } from '../onnx/index.ts';
import { gradcheck, offZero } from '../../test/helpers/gradcheck.ts';

const FLOAT32 = { type: 'float32', step: 0.02 } as const;
const TOLERANCE = 2e-3;

describe('LpPool', () => {
  test.each([
    ['side by side', 2, [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }],
    ['p 1', 1, [1, 2, 5, 4], { kernel_shape: [2, 2] }],
    ['p 3', 3, [1, 2, 5, 4], { kernel_shape: [3, 2], strides: [1, 2] }],
    ['overlapping, padded', 2, [1, 1, 5, 5], { kernel_shape: [3, 3], pads: [1, 0, 1, 2] }],
    ['ceil_mode', 2, [1, 1, 5, 6], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
    ['dilated', 2, [1, 1, 6, 6], { kernel_shape: [2, 2], dilations: [2, 3] }],
    ['a rest that no window reaches', 2, [1, 1, 5], { kernel_shape: [2], strides: [2] }],
    [
      'SAME_UPPER',
      2,
      [1, 1, 5, 5],
      { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    ],
  ] as [string, number, number[], Attributes][])('%s', async (_, p, dims, attributes) => {
    await gradcheck(
      {
        ...FLOAT32,
        inputs: { x: offZero(dims, 1, 0.5, 2) },
        build: (b, { x }) => b.op('LpPool', [x], { p, ...attributes }),
      },
      TOLERANCE,
    );
  });

  test('gives zero and not NaN where a window holds zeros only', async () => {
    // At the corner itself the numeric derivative, taken from both sides alike, is zero too.
    await gradcheck(
      {
        ...FLOAT32,
        inputs: { x: { dims: [1, 1, 4], data: [0, 0, 1, 2] } },
        build: (b, { x }) => b.op('LpPool', [x], { p: 2, kernel_shape: [2], strides: [2] }),
      },
      TOLERANCE,
    );
  });
});

test.each([1, 2, 3])('GlobalLpPool, p %i', async (p) => {
  await gradcheck(
    {
      ...FLOAT32,
      inputs: { x: offZero([2, 2, 3, 2], 1, 0.5, 2) },
      build: (b, { x }) => b.op('GlobalLpPool', [x], { p }),
    },
    TOLERANCE,
  );
});
