import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { BATCH, goldenDataset, goldenGraph, names } from '../../test/helpers/train.ts';
import { train, type TrainSettings, withParameters } from './loop.ts';
import { predict } from './predict.ts';
import { constant } from './schedules.ts';

const settings: TrainSettings = {
  input: 'image',
  logits: 'logits',
  batchSize: BATCH,
  optimizer: { kind: 'sgd', momentum: 0.9 },
  parameters: names,
  epochs: 3,
  schedule: constant(0.05),
  seed: 3,
};

async function run(more: Partial<TrainSettings>, length = 30): Promise<Map<string, Float32Array>> {
  const trained = await train(await testRuntime(), goldenGraph(), goldenDataset(length), {
    ...settings,
    ...more,
  });
  return new Map([...trained].map(([name, { data }]) => [name, data]));
}

test('the same seed gives the same bytes, another seed different ones', async () => {
  const first = await run({});
  expect(await run({})).toEqual(first);
  expect(await run({ seed: 4 })).not.toEqual(first);
});

test('learns a small data set, and reports loss and accuracy', async () => {
  const epochs: { loss: number; accuracy: number }[] = [];
  const dataset = goldenDataset(16);
  const runtime = await testRuntime();
  const trained = await train(runtime, goldenGraph(), dataset, {
    ...settings,
    epochs: 400,
    optimizer: { kind: 'adam' },
    schedule: constant(0.02),
    onEpoch: ({ loss, accuracy }) => {
      epochs.push({ loss, accuracy });
      return accuracy === 1 && loss < 0.1 ? 'stop' : 'continue';
    },
  });
  expect(epochs[0]?.loss).toBeGreaterThan(1);
  expect(epochs.at(-1)).toMatchObject({ accuracy: 1 });
  expect(epochs.length).toBeLessThan(400);
  const graph = withParameters(goldenGraph(), trained);
  const labels = await predict(runtime, graph, dataset, settings);
  expect(Array.from(labels)).toEqual(Array.from(dataset.labels));
});

test('stops where onEpoch says so', async () => {
  const controller = new AbortController();
  const stopped = run({
    signal: controller.signal,
    onStep: (done) => {
      if (done === 2) controller.abort(new Error('enough'));
    },
  });
  await expect(stopped).rejects.toThrow('enough');
});
