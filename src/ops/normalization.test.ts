import { describe, expect, test } from 'vitest';
import {
  gradcheck,
  modelOf,
  normal,
  offZero,
  testRuntime,
  uniform,
} from '../../test/helpers/gradcheck.ts';
import { appendGradients } from '../autodiff/index.ts';
import { Builder, OPSET } from '../graph/index.ts';
import { float, float32, type Attributes } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';

const epsilon = float(1e-2);
const layer = (dims: readonly number[], parameters: readonly number[]) => ({
  x: normal(dims),
  scale: offZero(parameters, 2),
  bias: normal(parameters, 3),
});
const single = { type: 'float32', step: 0.02 } as const;

describe('BatchNormalization', () => {
  test.each([[[4, 3]], [[2, 3, 4]], [[2, 3, 2, 3]]])(
    'of %j with frozen statistics',
    async (dims) => {
      await gradcheck(
        {
          inputs: layer(dims, [3]),
          build: (b, { x, scale, bias }) => {
            const mean = b.constant({
              type: 'float64',
              dims: [3],
              data: Float64Array.of(1, 0, -2),
            });
            const v = b.constant({ type: 'float64', dims: [3], data: Float64Array.of(2, 0.5, 1) });
            return b.op('BatchNormalization', [x, scale, bias, mean, v], { epsilon });
          },
        },
        1e-7,
      );
    },
  );

  test('by frozen statistics too, where they are parameters', async () => {
    await gradcheck(
      {
        inputs: { ...layer([2, 3, 4], [3]), mean: normal([3], 4), v: uniform([3], 5, 0.5, 2) },
        build: (b, { x, scale, bias, mean, v }) =>
          b.op('BatchNormalization', [x, scale, bias, mean, v], { epsilon }),
      },
      1e-7,
    );
  });

  test('of a tensor that is both shift and mean', async () => {
    await gradcheck(
      {
        inputs: layer([2, 3, 4], [3]),
        build: (b, { x, scale, bias }) => {
          const v = b.constant({ type: 'float64', dims: [3], data: Float64Array.of(2, 0.5, 1) });
          return b.op('BatchNormalization', [x, scale, bias, bias, v], { epsilon });
        },
      },
      1e-7,
    );
  });

  test.each([[[6, 3]], [[2, 3, 4]], [[2, 3, 2, 3]]])('of %j by its batch', async (dims) => {
    await gradcheck(
      {
        ...single,
        inputs: layer(dims, [3]),
        build: (b, { x, scale, bias }) => {
          const start = b.constant(float32([3], [1, 1, 1]));
          const inputs = [x, scale, bias, start, start];
          return b.ops('BatchNormalization', inputs, { epsilon, training_mode: 1 }, 3)[0] as string;
        },
      },
      2e-4,
    );
  });

  test('its running statistics carry no gradient', async () => {
    const forward = new Builder();
    const x = forward.input('x', 'float32', [4, 2]);
    const ones = forward.constant(float32([2], [1, 1]));
    const inputs = [x, ones, ones, ones, ones];
    const [, mean] = forward.ops('BatchNormalization', inputs, { training_mode: 1 }, 3);
    const loss = forward.op('ReduceSum', [mean as string], { keepdims: 0 });
    const feeds = { x: float32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]) };
    const traced = await trace(await testRuntime(), forward.build([{ name: loss }]), OPSET, feeds);
    expect(() => appendGradients(new Builder(traced.graph), traced, loss, [x])).toThrow(
      /does not depend/,
    );
  });
});

describe('LayerNormalization', () => {
  test.each([
    [[3, 5], -1, [5]],
    [[2, 3, 4], 1, [3, 4]],
    [[2, 3, 4], -1, [4]],
    [[2, 3, 4], 0, [2, 3, 4]],
  ])('of %j from axis %i', async (dims, axis, parameters) => {
    await gradcheck(
      {
        inputs: layer(dims, parameters),
        build: (b, { x, scale, bias }) =>
          b.op('LayerNormalization', [x, scale, bias], { axis, epsilon }),
      },
      1e-7,
    );
  });

  test('without bias', async () => {
    await gradcheck(
      {
        inputs: { x: normal([3, 5]), scale: offZero([5], 2) },
        build: (b, { x, scale }) => b.op('LayerNormalization', [x, scale], { epsilon }),
      },
      1e-7,
    );
  });

  test('refuses where its mean is used by itself', async () => {
    const refused = gradcheck(
      {
        ...single,
        inputs: layer([3, 5], [5]),
        build: (b, { x, scale, bias }) => [
          ...b.ops('LayerNormalization', [x, scale, bias], { epsilon }, 2),
        ],
      },
      1,
    );
    await expect(refused).rejects.toThrow(/its mean or its deviation/);
  });
});

test.each([[[2, 3, 4]], [[2, 3, 2, 3]]])('InstanceNormalization of %j', async (dims) => {
  await gradcheck(
    {
      ...single,
      inputs: layer(dims, [3]),
      build: (b, { x, scale, bias }) =>
        b.op('InstanceNormalization', [x, scale, bias], { epsilon }),
    },
    2e-4,
  );
});

test.each([1, 2, 6])('GroupNormalization in %i groups', async (num_groups) => {
  await gradcheck(
    {
      ...single,
      inputs: layer([2, 6, 2, 3], [6]),
      build: (b, { x, scale, bias }) =>
        b.op('GroupNormalization', [x, scale, bias], { epsilon, num_groups }),
    },
    2e-4,
  );
});

test.each<Attributes>([{}, { axes: [0, 2] }])(
  'MeanVarianceNormalization %j',
  async (attributes) => {
    await gradcheck(
      {
        ...single,
        inputs: { x: normal([3, 2, 2, 2]) },
        build: (b, { x }) => b.op('MeanVarianceNormalization', [x], attributes),
      },
      2e-4,
    );
  },
);

// ONNX Runtime takes odd sizes only.
test.each([1, 3, 5])('LRN over %i channels', async (size) => {
  await gradcheck(
    {
      ...single,
      inputs: { x: normal([2, 5, 2, 3]) },
      build: (b, { x }) =>
        b.op('LRN', [x], { size, alpha: float(0.5), beta: float(0.7), bias: float(1.5) }),
    },
    2e-4,
  );
});

describe('LpNormalization', () => {
  test.each([
    [0, 1],
    [-1, 1],
    [1, 2],
    [-1, 2],
  ])('along axis %i, p %i', async (axis, p) => {
    await gradcheck(
      {
        type: 'float32',
        inputs: { x: offZero([3, 4, 2], 1, 0.3) },
        build: (b, { x }) => b.op('LpNormalization', [x], { axis, p }),
      },
      2e-4,
    );
  });

  test('of zeros is no NaN', async () => {
    const runtime = await testRuntime();
    const forward = new Builder();
    const x = forward.input('x', 'float32', [2, 2]);
    const y = forward.op('LpNormalization', [x], { axis: 1 });
    const weights = forward.constant(float32([2, 2], uniform([2, 2], 1, 1, 2).data));
    const loss = forward.op('ReduceSum', [forward.op('Mul', [y, weights])], { keepdims: 0 });
    const feeds = { x: float32([2, 2], [0, 0, 3, 4]) };
    const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
    const b = new Builder(traced.graph);
    const name = appendGradients(b, traced, loss, [x]).get(x) as string;
    const session = await runtime.open(modelOf(b.build([{ name }])));
    const results = await session.run(feeds);
    await session.dispose();
    expect(Array.from(results[name]?.data ?? [], Number).every(Number.isFinite)).toBe(true);
  });
});
