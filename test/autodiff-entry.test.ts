import { expect, test } from 'vitest';
import {
  Builder,
  float32,
  gradients,
  modelOf,
  nodeRuntime,
  OPSET,
  trace,
} from '../src/gradients.ts';

test('the gradient of the sum of squares is twice the value', async () => {
  const b = new Builder();
  const x = b.initializer('x', float32([3], [1, -2, 3]));
  const loss = b.op('ReduceSum', [b.op('Mul', [x, x])], { keepdims: 0 }, 'loss');
  const runtime = await nodeRuntime();
  const traced = await trace(runtime, b.build([{ name: loss }]), OPSET, {}, [x]);
  const backward = gradients(traced, loss, [x]);
  const session = await runtime.open(modelOf(backward.graph));
  const results = await session.run({});
  expect([...(results[backward.gradients.get(x) as string]?.data ?? [])]).toEqual([2, -4, 6]);
  expect([...(results[loss]?.data ?? [])]).toEqual([14]);
  await session.dispose();
});
