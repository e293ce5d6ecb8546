import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Attributes } from '../onnx/index.ts';
import { seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

// Linear in each of its inputs, so that a long step costs nothing.
const TOLERANCE = 2e-4;

function check(
  x: readonly number[],
  w: readonly number[],
  attributes: Attributes,
  { seed = 1, bias = true } = {},
) {
  const units = (w[1] as number) * ((attributes['group'] as number | undefined) ?? 1);
  return gradcheck(
    {
      type: 'float32',
      step: 0.5,
      inputs: { x: normal(x, seed), w: normal(w, seed + 1), b: normal([units], seed + 2) },
      build: (t, { x, w, b }) => {
        const y = t.op('ConvTranspose', bias ? [x, w, b] : [x, w], attributes);
        return bias ? y : [y, b];
      },
    },
    TOLERANCE,
  );
}

describe('ConvTranspose', () => {
  test('of any stride, dilation, padding and groups', async () => {
    const axis = fc
      .record({
        kernel: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        before: fc.integer({ min: 0, max: 2 }),
        after: fc.integer({ min: 0, max: 2 }),
        extra: fc.integer({ min: 0, max: 2 }),
      })
      .map((a) => ({ ...a, extra: Math.min(a.extra, a.stride - 1) }))
      // Something must be left of an axis of 3 elements.
      .filter((a) => 2 * a.stride + (a.kernel - 1) * a.dilation + 1 - a.before - a.after > 0);
    await fc.assert(
      fc.asyncProperty(axis, axis, fc.constantFrom(1, 2), seeds, async (h, v, group, seed) => {
        await check(
          [2, 2, 3, 3],
          [2, 2, h.kernel, v.kernel],
          {
            strides: [h.stride, v.stride],
            dilations: [h.dilation, v.dilation],
            pads: [h.before, v.before, h.after, v.after],
            output_padding: [h.extra, v.extra],
            group,
          },
          { seed },
        );
      }),
      { seed: 1, numRuns: 25 },
    );
  });

  test.each([
    ['SAME_UPPER', { auto_pad: 'SAME_UPPER', strides: [2, 1] }],
    ['SAME_LOWER', { auto_pad: 'SAME_LOWER', strides: [2, 1] }],
    ['VALID', { auto_pad: 'VALID', strides: [2, 2] }],
    ['a given output shape', { output_shape: [6, 4], strides: [2, 1] }],
    ['a given output shape, more before', { output_shape: [6, 6], strides: [2, 2] }],
    [
      'a given output shape of which a part is not reached',
      { output_shape: [8, 7], strides: [2, 2] },
    ],
  ] as [string, Attributes][])('%s', async (_, attributes) => {
    await check([1, 2, 3, 3], [2, 3, 3, 2], attributes);
  });

  test('of sequences and of volumes, without a bias', async () => {
    await check([2, 2, 4], [2, 3, 3], { strides: [2] }, { bias: false });
    await check([1, 1, 2, 2, 2], [1, 2, 2, 2, 2], { strides: [2, 1, 2] }, { bias: false });
  });
});
