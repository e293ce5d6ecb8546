import { expect, test } from 'vitest';
import { Builder, lowerRecurrent, OPSET } from '../graph/index.ts';
import type { Attributes, Tensor } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';
import { modelOf, normal, tensorOf, testRuntime } from '../../test/helpers/gradcheck.ts';
import { appendGradients } from './gradients.ts';

const DIMS = {
  LSTM: {
    x: [4, 2, 3],
    w: [2, 8, 3],
    r: [2, 8, 2],
    b: [2, 16],
    h: [2, 2, 2],
    c: [2, 2, 2],
    p: [2, 6],
  },
  GRU: { x: [4, 2, 3], w: [2, 6, 3], r: [2, 6, 2], b: [2, 12], h: [2, 2, 2] },
  RNN: { x: [4, 2, 3], w: [2, 2, 3], r: [2, 2, 2], b: [2, 4], h: [2, 2, 2] },
} as const;

/**
 * The derivative of a weighted sum of all outputs along a random direction, by the gradients of the
 * layer written out, and by differences of ONNX Runtime's own kernel of the layer.
 */
async function derivatives(
  op: keyof typeof DIMS,
  attributes: Attributes,
): Promise<Record<string, { exact: number; numeric: number }>> {
  const runtime = await testRuntime();
  const b = new Builder();
  const dims: Readonly<Record<string, readonly number[]>> = DIMS[op];
  const feeds: Record<string, Tensor> = {};
  for (const [at, [name, size]] of Object.entries(dims).entries()) {
    b.input(name, 'float32', size);
    feeds[name] = tensorOf(
      'float32',
      size,
      normal(size, at + 1).data.map((value) => value / 2),
    );
  }
  const inputs = ['x', 'w', 'r', 'b', '', 'h', ...(op === 'LSTM' ? ['c', 'p'] : [])];
  const outputs = b.ops(
    op,
    inputs,
    { direction: 'bidirectional', hidden_size: 2, ...attributes },
    op === 'LSTM' ? 3 : 2,
  );
  const terms = outputs.map((output, at) => {
    const size = at === 0 ? [4, 2, 2, 2] : [2, 2, 2];
    const weights = b.constant(tensorOf('float32', size, normal(size, 20 + at).data));
    return b.op('ReduceSum', [b.op('Mul', [output, weights])], { keepdims: 0 });
  });
  const loss = b.op('Sum', terms);
  const graph = b.build([{ name: loss }]);

  const lowered = lowerRecurrent(await trace(runtime, graph, OPSET, feeds));
  const traced = await trace(runtime, lowered.graph, OPSET, feeds);
  const reverse = new Builder(traced.graph);
  const gradients = appendGradients(reverse, traced, loss, Object.keys(dims));
  const backward = await runtime.open(
    modelOf(reverse.build([...gradients.values()].map((name) => ({ name })))),
  );
  const found = await backward.run(feeds);
  await backward.dispose();

  const forward = await runtime.open(modelOf(graph));
  const verdict: Record<string, { exact: number; numeric: number }> = {};
  for (const [name, size] of Object.entries(dims)) {
    const direction = normal(size, 40).data;
    const base = Array.from(feeds[name]?.data as Float32Array);
    const at = async (by: number) => {
      const shifted = base.map((value, index) => value + by * (direction[index] as number));
      const results = await forward.run({ ...feeds, [name]: tensorOf('float32', size, shifted) });
      return Number(results[loss]?.data[0]);
    };
    const step = 0.02;
    const near = (await at(step)) - (await at(-step));
    const far = (await at(2 * step)) - (await at(-2 * step));
    const gradient = found[gradients.get(name) as string]?.data as Float32Array;
    verdict[name] = {
      exact: direction.reduce((sum, d, index) => sum + d * (gradient[index] as number), 0),
      numeric: (8 * near - far) / (12 * step),
    };
  }
  await forward.dispose();
  return verdict;
}

test.each([
  ['LSTM', {}],
  ['GRU', { linear_before_reset: 0 }],
  ['GRU', { linear_before_reset: 1 }],
  ['RNN', {}],
] as const)(
  '%s %j: gradients by all inputs agree with differences of the kernel',
  async (op, attributes) => {
    for (const [name, { exact, numeric }] of Object.entries(await derivatives(op, attributes))) {
      expect(Math.abs(numeric), name).toBeGreaterThan(0.05);
      expect(Math.abs(exact - numeric) / Math.abs(numeric), name).toBeLessThan(2e-3);
    }
  },
);
