import { expect, test } from 'vitest';
import { gradcheck, modelOf, normal, testRuntime } from '../../test/helpers/gradcheck.ts';
import { appendGradients } from '../autodiff/index.ts';
import { Builder, OPSET } from '../graph/index.ts';
import { float32, int64, type TensorOf } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';
import {
  BATCH,
  distance,
  golden,
  goldenBatch,
  goldenGraph,
  names,
  SAMPLE,
} from '../../test/helpers/train.ts';
import { crossEntropy } from './losses.ts';

test('cross-entropy with sample weights equals PyTorch in loss and gradients', async () => {
  const runtime = await testRuntime();
  const forward = new Builder(goldenGraph());
  const labels = forward.input('labels', 'int64', [BATCH]);
  const weights = forward.input('weights', 'float32', [BATCH]);
  const { loss } = crossEntropy(forward, { logits: 'logits', labels, weights, classes: 5 });
  const { x, y } = goldenBatch(0);
  const feeds = {
    image: float32([BATCH, ...SAMPLE], x),
    labels: int64([BATCH], [...y]),
    weights: float32([BATCH], golden.weighted.weights),
  };
  const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds, names);
  const b = new Builder(traced.graph);
  const gradients = appendGradients(b, traced, loss, names);
  const outputs = [loss, ...gradients.values()].map((name) => ({ name }));
  const session = await runtime.open(modelOf(b.build(outputs)));
  const results = await session.run(feeds);
  await session.dispose();
  expect(results[loss]?.data[0]).toBeCloseTo(golden.weighted.loss, 5);
  for (const [name, { data, dims }] of Object.entries(golden.weighted.gradients)) {
    const gradient = results[gradients.get(name) as string] as TensorOf<'float32'>;
    expect(gradient.dims).toEqual(dims);
    expect(distance(gradient.data, data), name).toBeLessThan(2e-5);
  }
});

test('the gradient of the logits equals finite differences', async () => {
  await gradcheck(
    {
      type: 'float32',
      inputs: { logits: normal([4, 3]) },
      build: (b, { logits }) =>
        crossEntropy(b, {
          logits,
          labels: b.constant(int64([4], [0, 2, 1, 2])),
          weights: b.constant(float32([4], [1, 0, 2, 0.5])),
          classes: 3,
        }).loss,
    },
    1e-3,
  );
});

test('counts the weight of correctly classified samples', async () => {
  const runtime = await testRuntime();
  const b = new Builder();
  const logits = b.input('logits', 'float32', [4, 2]);
  const { correct } = crossEntropy(b, {
    logits,
    labels: b.constant(int64([4], [0, 1, 1, 0])),
    weights: b.constant(float32([4], [1, 1, 0.5, 1])),
    classes: 2,
  });
  const session = await runtime.open(modelOf(b.build([{ name: correct }])));
  const results = await session.run({ logits: float32([4, 2], [2, 1, 2, 1, 1, 2, 3, 0]) });
  await session.dispose();
  expect(results[correct]?.data[0]).toBe(2.5);
});

test('label smoothing spreads a share of the probability over all classes', async () => {
  const runtime = await testRuntime();
  const b = new Builder();
  const logits = b.input('logits', 'float32', [2, 2]);
  const { loss } = crossEntropy(b, {
    logits,
    labels: b.constant(int64([2], [0, 1])),
    weights: b.constant(float32([2], [1, 0])),
    classes: 2,
    smoothing: 0.2,
  });
  const session = await runtime.open(modelOf(b.build([{ name: loss }])));
  // Probabilities of 3/4 and 1/4, of which 0.9 and 0.1 are wanted.
  const results = await session.run({ logits: float32([2, 2], [Math.log(3), 0, 5, 7]) });
  await session.dispose();
  expect(results[loss]?.data[0]).toBeCloseTo(-0.9 * Math.log(0.75) - 0.1 * Math.log(0.25), 6);
});
