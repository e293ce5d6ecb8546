import { expect, test } from 'vitest';
import { contextFor, untouched } from '../../../test/helpers/defense.ts';
import { images, opened, specimen } from '../../../test/helpers/networks.ts';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { applyMask } from '../../channels/index.ts';
import { batches, epochOrder } from '../../data/index.ts';
import type { TensorOf } from '../../onnx/index.ts';
import { SCHEDULES, trainingStep } from '../../train/index.ts';
import type { Repaired } from '../defense.ts';
import { fineTuning } from './fine-tuning/fine-tuning.ts';
import { tuningSettings } from './fine-tuning/settings.ts';
import type { TuningStep } from './fine-tuning/step.ts';
import { ftSam, ftSamSettings } from './ft-sam.ts';

const data = images(80);
const how = { epochs: 2, batchSize: 16, rate: 0.02, weightDecay: 5e-4, keep: 'last' } as const;

async function start() {
  const { classifier, site } = await opened(specimen('Conv and BatchNormalization').model, 'site');
  return { from: untouched(classifier), site, context: await contextFor(classifier, data) };
}

const weightsOf = ({ network: { graph, parameters } }: Repaired) =>
  parameters.map((name) => [...(graph.initializers.get(name) as TensorOf<'float32'>).data]);

test('it makes the steps that a training step with these settings makes', async () => {
  const { from, context } = await start();
  const { graph, input, scores: logits, parameters } = from.network;
  const { train } = context.clean;
  const step = await trainingStep(await testRuntime(), graph, {
    input,
    logits,
    parameters,
    sample: train.sample,
    classes: 3,
    batchSize: 16,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    smoothing: 0.1,
    sharpness: { rho: 2, adaptive: true },
  });
  const each = Math.ceil(train.length / 16);
  let done = 0;
  for (const epoch of [1, 2]) {
    const order = epochOrder(train.length, context.seed, epoch);
    for await (const batch of batches(train, { batchSize: 16, order })) {
      await step.run(batch, SCHEDULES.cosine(how.rate)(done / (2 * each)));
      done += 1;
    }
  }
  const expected = parameters.map((name) => [
    ...(step.parameters().get(name) as TensorOf<'float32'>).data,
  ]);
  await step.dispose();
  const result = await ftSam.run(context, from, ftSamSettings.parse(how));
  expect(weightsOf(result)).toEqual(expected);
  expect(result.edits.weights).toEqual(new Set(parameters));
});

test('it is recorded as a tuning, with its settings', async () => {
  const { from, context } = await start();
  const result = await ftSam.run(
    context,
    from,
    ftSamSettings.parse({ ...how, rho: 0.05, perturbation: 'plain', smoothing: 0 }),
  );
  const step = result.steps[0] as TuningStep;
  expect(step).toMatchObject({ kind: 'tuning', by: 'ft-sam' });
  expect(step.data.settings).toMatchObject({
    smoothing: 0,
    sharpness: { rho: 0.05, adaptive: false },
  });
  expect(step.data.settings).not.toHaveProperty('rho');
});

test('without its settings it is fine-tuning', async () => {
  const { from, context } = await start();
  const tuned = await fineTuning.run(context, from, tuningSettings.parse(how));
  // A perturbation so short that float32 does not see it.
  const settings = ftSamSettings.parse({ ...how, rho: 1e-12, smoothing: 0 });
  const same = await ftSam.run(context, from, settings);
  expect(weightsOf(same)).toEqual(weightsOf(tuned));
  const other = await ftSam.run(context, from, { ...settings, rho: 0.5 });
  expect(weightsOf(other)).not.toEqual(weightsOf(tuned));
});

test('pruned units stay pruned', async () => {
  const { from, site, context } = await start();
  const { graph, masks, edits } = applyMask(from.network, site, [0, 2]);
  const pruned = { ...from, network: { ...from.network, graph }, masks, edits };
  for (const perturbation of ['adaptive', 'plain'] as const) {
    const settings = ftSamSettings.parse({ ...how, perturbation, rho: 0.5 });
    const result = await ftSam.run(context, pruned, settings);
    expect(result.masks).toBe(masks);
    for (const parameter of masks.keys()) {
      const { data } = result.network.graph.initializers.get(parameter) as TensorOf<'float32'>;
      const each = data.length / site.units;
      data.forEach((value, at) => {
        expect(value === 0).toBe([0, 2].includes(Math.floor(at / each)));
      });
    }
  }
});

test('settings are those of fine-tuning and its own, strict, with the defaults of the paper', () => {
  expect(ftSamSettings.parse({})).toEqual({
    ...tuningSettings.parse({}),
    rho: 2,
    perturbation: 'adaptive',
    smoothing: 0.1,
  });
  for (const wrong of [{ rho: 0 }, { smoothing: 1 }, { perturbation: 'none' }, { sigma: 1 }]) {
    expect(ftSamSettings.safeParse(wrong).success).toBe(false);
  }
});
