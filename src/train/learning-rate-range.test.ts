import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { BATCH, goldenDataset, goldenGraph, names, SAMPLE } from '../../test/helpers/train.ts';
import { train, type TrainSettings, withParameters } from './loop.ts';
import { rangeTest } from './learning-rate-range.ts';
import { constant } from './schedules.ts';
import { trainingStep } from './step.ts';

const data = goldenDataset(16);
const how = { input: 'image', logits: 'logits', parameters: names, batchSize: BATCH, seed: 1 };

/** A network that has learnt its 16 images, and its loss. */
async function learnt() {
  let start = NaN;
  const settings: Partial<TrainSettings> = {
    optimizer: { kind: 'adam' },
    schedule: constant(0.02),
  };
  const parameters = await lossesOf(goldenGraph(), 400, settings, (loss) => (start = loss));
  return { graph: withParameters(goldenGraph(), parameters), start };
}

async function lossesOf(
  graph: ReturnType<typeof goldenGraph>,
  epochs: number,
  more: Partial<TrainSettings>,
  see: (loss: number) => void,
) {
  return train(await testRuntime(), graph, data, {
    ...how,
    optimizer: { kind: 'sgd', momentum: 0.9 },
    schedule: constant(0),
    epochs,
    ...more,
    onEpoch({ loss }) {
      see(loss);
      return 'continue';
    },
  });
}

test('the limit is the rate at which a trained network diverges', async () => {
  const { graph, start } = await learnt();
  expect(start).toBeLessThan(0.3);
  const step = await trainingStep(await testRuntime(), graph, {
    ...how,
    optimizer: { kind: 'sgd', momentum: 0.9 },
    sample: SAMPLE,
    classes: 5,
  });
  const range = { batchSize: BATCH, minRate: 1e-5, maxRate: 1e4, initialLoss: start, seed: 1 };
  const { limit, curve } = await rangeTest(step, data, range);
  const worst = async (rate: number) => {
    const losses: number[] = [];
    await lossesOf(graph, 20, { schedule: constant(rate) }, (loss) => losses.push(loss));
    return losses.reduce((a, b) => (a >= b ? a : b));
  };
  expect(await worst(limit / 10)).toBeLessThan(start + 0.1);
  expect(await worst(limit * 3)).not.toBeLessThan(start + 0.1);
  expect(curve[0]?.rate).toBe(1e-5);
  expect(curve[24]?.rate).toBeCloseTo(1e-4, 9);
  expect(limit / (curve.at(-1)?.rate ?? 0)).toBeCloseTo(10 ** (1 / 24), 9);
  expect(curve.every(({ loss }) => loss <= start + 0.1)).toBe(true);

  // What nothing blows up is tried up to the last rate.
  step.reset(new Map(names.map((name) => [name, graph.initializers.get(name) as never])));
  const short = await rangeTest(step, data, { ...range, maxRate: 1e-4 });
  expect(short).toMatchObject({ limit: 1e-4 });
  expect(short.curve).toHaveLength(24);
  await step.dispose();
});
