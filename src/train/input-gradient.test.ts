import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { Builder } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { inputGradient } from './input-gradient.ts';

const WEIGHT = [0.5, -1, 2, 0.25, 1.5, -0.75];

/** Softmax regression of 2 numbers into 3 classes. */
function linear(batch: number | string) {
  const b = new Builder();
  const x = b.input('x', 'float32', [batch, 2]);
  const w = b.initializer('w', float32([2, 3], WEIGHT));
  return b.build([{ name: b.op('MatMul', [x, w], {}, 'logits') }]);
}

const settings = { input: 'x', logits: 'logits', sample: [2], classes: 3 };

/** d(cross-entropy)/dx = W (softmax - hot), written out. */
function byHand(x: readonly number[], label: number): number[] {
  const w = (row: number, column: number) => WEIGHT[3 * row + column] as number;
  const logits = [0, 1, 2].map((k) => (x[0] as number) * w(0, k) + (x[1] as number) * w(1, k));
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
  const error = logits.map((z, k) => Math.exp(z) / total - (k === label ? 1 : 0));
  return [0, 1].map((row) => error.reduce((sum, e, k) => sum + e * w(row, k), 0));
}

const X = [
  [1, 2],
  [-0.5, 0.25],
  [0, -1],
  [3, 0.1],
  [0.7, -0.7],
];
const LABELS = [0, 2, 1, 1, 0];

test.each([
  ['any batch size', 'n', 5],
  ['a batch size of its own, the last batch being short', 2, 5],
])('the gradient of softmax regression is W (p - y), with %s', async (_, dims, batchSize) => {
  const runtime = await testRuntime();
  const gradient = await inputGradient(runtime, linear(dims), { ...settings, batchSize });
  const result = await gradient.run(Float32Array.from(X.flat()), Int32Array.from(LABELS));
  const expected = X.flatMap((x, row) => byHand(x, LABELS[row] as number));
  for (const [at, value] of expected.entries()) {
    expect(result.gradient[at]).toBeCloseTo(value, 5);
  }
  const called = X.map((x) => {
    const logits = [0, 1, 2].map(
      (k) =>
        (x[0] as number) * (WEIGHT[k] as number) + (x[1] as number) * (WEIGHT[3 + k] as number),
    );
    return logits.indexOf(Math.max(...logits));
  });
  expect([...result.called]).toEqual(called);
  await gradient.dispose();
});
