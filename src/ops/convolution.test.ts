import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';
import type { Attributes } from '../onnx/index.ts';

interface Layer {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes: Attributes;
}

/** A convolution is linear in each input: a large step costs no accuracy and hides rounding. */
async function holds({ x, w, attributes }: Layer, seed = 1, bias = true): Promise<void> {
  const inputs = { x: normal(x, seed), w: normal(w, seed + 1) };
  const common = { type: 'float32', step: 0.25 } as const;
  if (bias) {
    await gradcheck(
      {
        ...common,
        inputs: { ...inputs, b: normal([w[0] as number], seed + 2) },
        build: (tape, { x, w, b }) => tape.op('Conv', [x, w, b], attributes),
      },
      1e-4,
    );
  } else {
    await gradcheck(
      { ...common, inputs, build: (tape, { x, w }) => tape.op('Conv', [x, w], attributes) },
      1e-4,
    );
  }
}

const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    /** Places the window can move beyond its first. */
    room: fc.integer({ min: 0, max: 4 }),
  })
  .map((axis) => {
    // The first window meets the input: where all lie in the padding, there is nothing to learn.
    const most = (axis.kernel - 1) * axis.dilation;
    return { ...axis, before: Math.min(axis.before, most), after: Math.min(axis.after, most) };
  });
const channels = fc.record({
  images: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  perGroup: fc.integer({ min: 1, max: 2 }),
  unitsPerGroup: fc.integer({ min: 1, max: 3 }),
});
const autoPad = fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');

function layerOf(rank: number): fc.Arbitrary<Layer> {
  const axes = fc.array(axis, { minLength: rank, maxLength: rank });
  return fc.tuple(axes, channels, autoPad).map(([axes, sizes, mode]) => {
    const { images, groups, perGroup, unitsPerGroup } = sizes;
    const same = mode.startsWith('SAME');
    // ONNX Runtime takes no dilation with SAME.
    const dilations = axes.map(({ dilation }) => (same ? 1 : dilation));
    const input = axes.map(({ kernel, before, after, room }, at) => {
      const extent = (kernel - 1) * (dilations[at] as number) + 1;
      const padding = mode === 'NOTSET' ? before + after : 0;
      return Math.max(1, same ? room + 1 : extent + room - padding);
    });
    return {
      x: [images, groups * perGroup, ...input],
      w: [groups * unitsPerGroup, perGroup, ...axes.map(({ kernel }) => kernel)],
      attributes: {
        kernel_shape: axes.map(({ kernel }) => kernel),
        strides: axes.map(({ stride }) => stride),
        dilations,
        group: groups,
        ...(mode === 'NOTSET'
          ? { pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)] }
          : { auto_pad: mode }),
      },
    };
  });
}

describe('Conv with random groups, strides, dilations and pads', () => {
  test.each([
    [1, 20],
    [2, 30],
    [3, 10],
  ])('over %i axes', async (rank, numRuns) => {
    await fc.assert(fc.asyncProperty(layerOf(rank), seeds, fc.boolean(), holds), {
      ...FEW,
      numRuns,
    });
  });
});

test.each<[string, Layer]>([
  ['without any attribute', { x: [2, 3, 5, 5], w: [4, 3, 3, 3], attributes: {} }],
  ['of 1x1', { x: [2, 3, 4, 4], w: [4, 3, 1, 1], attributes: {} }],
  ['of 1x1 with stride 2', { x: [2, 3, 5, 4], w: [4, 3, 1, 1], attributes: { strides: [2, 2] } }],
  ['of the input size', { x: [2, 3, 4, 5], w: [4, 3, 4, 5], attributes: {} }],
  [
    'with "same" pads, the layer of most networks',
    { x: [2, 3, 6, 6], w: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  ],
  ['depthwise', { x: [2, 4, 5, 5], w: [4, 1, 3, 3], attributes: { group: 4, pads: [1, 1, 1, 1] } }],
  [
    'depthwise with strides and dilations, pads on one side only',
    {
      x: [2, 3, 7, 6],
      w: [3, 1, 3, 2],
      attributes: { group: 3, strides: [2, 1], dilations: [1, 2], pads: [2, 0, 0, 1] },
    },
  ],
  [
    'depthwise with long rows',
    { x: [1, 2, 2, 70], w: [2, 1, 2, 3], attributes: { group: 2, pads: [1, 1, 0, 1] } },
  ],
  [
    'depthwise with two units a channel',
    { x: [2, 3, 5, 5], w: [6, 1, 3, 3], attributes: { group: 3, strides: [2, 2] } },
  ],
  ['in groups', { x: [2, 6, 5, 5], w: [4, 3, 2, 2], attributes: { group: 2 } }],
  [
    'dilated',
    { x: [2, 2, 7, 7], w: [3, 2, 3, 3], attributes: { dilations: [2, 3], pads: [2, 3, 2, 3] } },
  ],
  [
    'with a stride that leaves rows over',
    { x: [2, 2, 8, 7], w: [3, 2, 3, 3], attributes: { strides: [3, 2] } },
  ],
  [
    'with pads on one side only',
    { x: [2, 2, 5, 5], w: [3, 2, 3, 3], attributes: { pads: [0, 2, 1, 0], strides: [2, 2] } },
  ],
  [
    'with a stride beyond the kernel',
    { x: [1, 2, 9, 9], w: [2, 2, 2, 2], attributes: { strides: [4, 3] } },
  ],
  [
    'of AlexNet, 11x11/4',
    { x: [1, 2, 23, 27], w: [3, 2, 11, 11], attributes: { strides: [4, 4] } },
  ],
  ['of DeepID, 4x4', { x: [2, 3, 9, 8], w: [5, 3, 4, 4], attributes: {} }],
])('Conv %s', async (_, layer) => {
  await holds(layer);
});
