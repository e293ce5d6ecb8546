import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { float32, type TensorOf } from '../onnx/index.ts';
import { trainingStep } from '../train/index.ts';
import { images, opened, specimen } from '../../test/helpers/networks.ts';
import { foldOf } from './fold.ts';
import { unitGradients } from './unit-gradients.ts';

const data = images(16, 4);
const how = { batchSize: 16, seed: 1 };

test('is the mean size of a unit’s step by plain descent; none for a unit that nothing wakes', async () => {
  const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
  const { graph, input, scores: logits, parameters } = classifier;
  const bias = float32([4], [0.1, -1e20, 0.2, 0]);
  const asleep = {
    ...classifier,
    graph: { ...graph, initializers: new Map([...graph.initializers, ['conv1.bias', bias]]) },
  };
  const runtime = await testRuntime();
  const fold = foldOf(graph, classifier.traced, site);
  const found = await unitGradients(runtime, asleep, 4, fold, data, how);

  const step = await trainingStep(runtime, asleep.graph, {
    input,
    logits,
    parameters,
    sample: data.sample,
    classes: 3,
    batchSize: 16,
    optimizer: { kind: 'sgd' },
  });
  const before = step.state().values;
  const x = new Float32Array(16 * 72);
  await data.read([...data.labels.keys()], x);
  await step.run({ x, y: data.labels, weights: new Float32Array(16).fill(1) }, 1);
  const moved = (name: string) =>
    (step.parameters().get(name) as TensorOf<'float32'>).data.map((value, at) =>
      Math.abs(value - (before.get(name)?.[at] as number)),
    );
  const [weight, shift] = [moved('conv1.weight'), moved('conv1.bias')];
  for (const unit of [0, 2, 3]) {
    const own = [...weight.subarray(unit * 18, (unit + 1) * 18), shift[unit] as number];
    const mean = own.reduce((a, b) => a + b, 0) / own.length;
    expect(found?.[unit]).toBeCloseTo(mean, 5);
    expect(mean).toBeGreaterThan(1e-4);
  }
  expect(found?.[1]).toBe(0);
  await step.dispose();
});

test('a mask of its own has no weights to ask', async () => {
  const { classifier, site } = await opened(specimen('residual Add after a sigmoid').model, 'site');
  const fold = foldOf(classifier.graph, classifier.traced, site);
  const runtime = await testRuntime();
  expect(await unitGradients(runtime, classifier, 4, fold, data, how)).toBeUndefined();
});
