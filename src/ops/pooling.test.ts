import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { distinct, gradcheck, modelOf, normal, testRuntime } from '../../test/helpers/gradcheck.ts';
import { appendGradients } from '../autodiff/index.ts';
import { Builder, OPSET } from '../graph/index.ts';
import { type Attributes, float32 } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';

interface Pool {
  readonly x: readonly number[];
  readonly attributes: Attributes;
}

/** Off the kinks of a maximum: values lie 0.2 apart, the largest shift of one is 0.08. */
const common = { type: 'float32', step: 0.04 } as const;

async function maxHolds({ x, attributes }: Pool, seed = 1): Promise<void> {
  await gradcheck(
    {
      ...common,
      inputs: { x: distinct(x, seed) },
      build: (b, { x }) => b.op('MaxPool', [x], attributes),
    },
    1e-3,
  );
}

async function averageHolds({ x, attributes }: Pool, seed = 1): Promise<void> {
  await gradcheck(
    {
      type: 'float32',
      step: 0.25,
      inputs: { x: normal(x, seed) },
      build: (b, { x }) => b.op('AveragePool', [x], attributes),
    },
    1e-4,
  );
}

const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    room: fc.integer({ min: 0, max: 4 }),
  })
  // A pad must be smaller than the kernel, so that no window lies in the padding altogether.
  .map((axis) => ({
    ...axis,
    before: Math.min(axis.before, axis.kernel - 1),
    after: Math.min(axis.after, axis.kernel - 1),
  }));

function poolOf(rank: number, dilated: boolean): fc.Arbitrary<Pool> {
  return fc
    .record({
      axes: fc.array(axis, { minLength: rank, maxLength: rank }),
      images: fc.integer({ min: 1, max: 2 }),
      channels: fc.integer({ min: 1, max: 2 }),
      mode: fc.constantFrom('NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
      ceil: fc.boolean(),
      includePad: fc.boolean(),
    })
    .map(({ axes, images, channels, mode, ceil, includePad }) => {
      const explicit = mode === 'NOTSET';
      const same = mode.startsWith('SAME');
      const kernel = axes.map((axis) => axis.kernel);
      // SAME with a stride beyond the kernel would crop, and ONNX Runtime refuses.
      const strides = axes.map((axis) => (same ? Math.min(axis.stride, axis.kernel) : axis.stride));
      const dilations = axes.map((axis) => (dilated && explicit ? axis.dilation : 1));
      const pads = axes.map(({ before, after }) => (explicit ? [before, after] : [0, 0]));
      const input = axes.map(({ kernel, room }, at) => {
        const [before, after] = pads[at] as [number, number];
        return (kernel - 1) * (dilations[at] as number) + 1 + room - Math.min(before + after, room);
      });
      // A last window that would begin beyond the input is left out, but ONNX Runtime's inference
      // of static dims counts it, and then refuses the graph.
      const beyond = input.some((size, at) => {
        const [before, after] = pads[at] as [number, number];
        const extent = ((kernel[at] as number) - 1) * (dilations[at] as number) + 1;
        const stride = strides[at] as number;
        return Math.ceil((size + before + after - extent) / stride) * stride >= size + before;
      });
      return {
        x: [images, channels, ...input],
        attributes: {
          kernel_shape: kernel,
          strides,
          ...(explicit
            ? {
                pads: [
                  ...pads.map(([before]) => before),
                  ...pads.map(([, after]) => after),
                ] as number[],
                ceil_mode: ceil && !beyond ? 1 : 0,
                ...(dilated && { dilations }),
              }
            : { auto_pad: mode }),
          ...(!dilated && { count_include_pad: includePad ? 1 : 0 }),
        },
      };
    });
}

describe('MaxPool with random windows', () => {
  test.each([1, 2, 3])('over %i axes', async (rank) => {
    await fc.assert(fc.asyncProperty(poolOf(rank, true), seeds, maxHolds), {
      ...FEW,
      numRuns: 20,
    });
  });
});

test.each<[string, Pool]>([
  ['2x2/2', { x: [2, 3, 6, 6], attributes: { kernel_shape: [2, 2], strides: [2, 2] } }],
  [
    '2x2/2 over an odd size',
    { x: [2, 3, 7, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  ],
  [
    '2x2/2 over an odd size in ceil mode, as in DeepID',
    { x: [2, 3, 7, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } },
  ],
  [
    '3x3/2, as in AlexNet',
    { x: [2, 3, 9, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2] } },
  ],
  [
    '3x3/2 padded, as in ResNet',
    { x: [2, 3, 8, 8], attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
  ],
  ['3x3 with stride 1', { x: [1, 2, 5, 5], attributes: { kernel_shape: [3, 3] } }],
  [
    'with places told column by column',
    { x: [2, 2, 4, 6], attributes: { kernel_shape: [2, 3], strides: [2, 3], storage_order: 1 } },
  ],
  ['1x2/2', { x: [1, 2, 4, 4], attributes: { kernel_shape: [1, 2], strides: [2, 2] } }],
])('MaxPool %s', async (_, pool) => {
  await maxHolds(pool);
});

test('of equal maxima the first gets it all, as in PyTorch', async () => {
  for (const strides of [[2], [1]]) {
    const runtime = await testRuntime();
    const forward = new Builder();
    const x = forward.input('x', 'float32', [1, 1, 4]);
    const y = forward.op('MaxPool', [x], { kernel_shape: [2], strides });
    const loss = forward.op('ReduceSum', [y], { keepdims: 0 });
    const feeds = { x: float32([1, 1, 4], [5, 5, 5, 5]) };
    const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
    const b = new Builder(traced.graph);
    const name = appendGradients(b, traced, loss, [x]).get(x) as string;
    const session = await runtime.open(modelOf(b.build([{ name }])));
    const results = await session.run(feeds);
    await session.dispose();
    const expected = strides[0] === 2 ? [1, 0, 1, 0] : [1, 1, 1, 0];
    expect(Array.from(results[name]?.data ?? [], Number)).toEqual(expected);
  }
});

describe('AveragePool with random windows', () => {
  test.each([1, 2, 3])('over %i axes', async (rank) => {
    await fc.assert(fc.asyncProperty(poolOf(rank, false), seeds, averageHolds), {
      ...FEW,
      numRuns: 20,
    });
  });
});

test.each<[string, Pool]>([
  ['2x2/2', { x: [2, 3, 6, 6], attributes: { kernel_shape: [2, 2], strides: [2, 2] } }],
  [
    '2x2/2 over an odd size',
    { x: [2, 3, 7, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  ],
  [
    '2x2/2 over an odd size in ceil mode',
    { x: [2, 3, 7, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } },
  ],
  [
    '3x3/1 padded, padding counted',
    {
      x: [1, 2, 5, 5],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
    },
  ],
  [
    '3x3/1 padded, padding not counted',
    { x: [1, 2, 5, 5], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
  ],
  [
    '3x3/2 padded, padding counted, in ceil mode',
    {
      x: [1, 2, 6, 6],
      attributes: {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        count_include_pad: 1,
        ceil_mode: 1,
      },
    },
  ],
  [
    'dilated',
    { x: [1, 2, 7, 7], attributes: { kernel_shape: [2, 2], dilations: [2, 3], strides: [2, 1] } },
  ],
])('AveragePool %s', async (_, pool) => {
  await averageHolds(pool);
});

test.each([[[2, 3, 4]], [[2, 3, 4, 5]], [[1, 2, 3, 2, 2]]])(
  'GlobalAveragePool of %j',
  async (dims) => {
    await gradcheck(
      {
        type: 'float32',
        inputs: { x: normal(dims) },
        build: (b, { x }) => b.op('GlobalAveragePool', [x]),
      },
      1e-3,
    );
  },
);
