import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { goldenDataset, goldenGraph, names, SAMPLE } from '../../test/helpers/train.ts';
import { gradientMagnitudes, type GradientMagnitudes } from './gradient-magnitudes.ts';
import { trainingStep } from './step.ts';

const how = { input: 'image', logits: 'logits', parameters: names, seed: 1 };

test('magnitudes equal the steps of plain gradient descent', async () => {
  const runtime = await testRuntime();
  const dataset = goldenDataset(8);
  const { loss, sizes } = await gradientMagnitudes(runtime, goldenGraph(), dataset, {
    ...how,
    batchSize: 8,
  });
  const step = await trainingStep(runtime, goldenGraph(), {
    ...how,
    sample: SAMPLE,
    classes: 5,
    batchSize: 8,
    optimizer: { kind: 'sgd' },
  });
  const before = step.state().values;
  const x = new Float32Array(8 * 64);
  await dataset.read([0, 1, 2, 3, 4, 5, 6, 7], x);
  const result = await step.run({ x, y: dataset.labels, weights: new Float32Array(8).fill(1) }, 1);
  expect(loss).toBeCloseTo(result.loss, 5);
  for (const [name, { data }] of step.parameters()) {
    const { absolute, square } = sizes.get(name) as GradientMagnitudes;
    data.forEach((value, at) => {
      const moved = Math.abs(value - (before.get(name)?.[at] as number));
      expect(absolute[at]).toBeCloseTo(moved, 5);
      expect(square[at]).toBeCloseTo(moved * moved, 5);
    });
  }
  await step.dispose();
});

test('batches count by their number of samples, also a short last one', async () => {
  const runtime = await testRuntime();
  const lossOf = async (batchSize: number) =>
    (await gradientMagnitudes(runtime, goldenGraph(), goldenDataset(11), { ...how, batchSize }))
      .loss;
  expect(await lossOf(4)).toBeCloseTo(await lossOf(11), 5);
});
