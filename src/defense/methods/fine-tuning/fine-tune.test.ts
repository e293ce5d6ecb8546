import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { relabel, split } from '../../../data/index.ts';
import { float32, type Graph, type TensorOf } from '../../../onnx/index.ts';
import { predict } from '../../../train/index.ts';
import type { Network } from '../../../network/index.ts';
import { fineTune, type FineTuneSettings, type FineTuning } from './fine-tune.ts';
import {
  apart,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimen,
} from '../../../../test/helpers/networks.ts';
import { applyMask, type Pruned } from '../../../channels/index.ts';
import { heldOf } from './tuning-state.ts';

const data = split(images(120, 11), { tune: 0.75, holdout: 0.25 }, 1);

const settings: FineTuneSettings = {
  epochs: 4,
  batchSize: 16,
  rate: 0.05,
  optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 0.01 },
  seed: 5,
};

async function tuned(
  classifier: Network,
  { graph, masks }: Pick<Pruned, 'graph' | 'masks'>,
  more: Partial<FineTuneSettings> = {},
): Promise<FineTuning> {
  return fineTune(await testRuntime(), classifier, graph, masks, data, { ...settings, ...more });
}

const parameters = ({ parameters }: Network, graph: Graph) =>
  parameters.map((name) => (graph.initializers.get(name) as TensorOf<'float32'>).data);

describe('pruned stays pruned', () => {
  test.each([
    ['producer', 'Conv and BatchNormalization'],
    ['producer', 'Conv and a bias added'],
    ['consumers', 'Flatten: a unit becomes columns'],
    ['consumers', 'two layers read one pool'],
    ['mul', 'residual Add after a sigmoid'],
  ])('folded into %s: %s', async (into, name) => {
    const { classifier, site } = await opened(specimen(name).model, 'site');
    const gone = [0, 2];
    const pruned = applyMask(classifier, site, gone);
    expect(pruned.fold.into).toBe(into);
    for (const optimizer of [settings.optimizer, { kind: 'adam', weightDecay: 0.01 } as const]) {
      const { graph } = await tuned(classifier, pruned, { optimizer });
      const before = parameters(classifier, pruned.graph);
      const after = parameters(classifier, graph);
      expect(after.some((values, index) => apart(values, before[index] ?? []) > 1e-3)).toBe(true);
      // Were a unit awake, a mask on it would be felt.
      const masked = explicitlyMasked(graph, site, gone);
      const [got, due] = [
        await scoresOf(classifier, graph, data.holdout),
        await scoresOf(classifier, masked, data.holdout),
      ];
      expect(apart(got, due)).toBeLessThan(1e-6);
    }
  });

  test('which takes the masks: without them the consumers wake a unit', async () => {
    const { classifier, site } = await opened(
      specimen('Flatten: a unit becomes columns').model,
      'site',
    );
    const { graph } = applyMask(classifier, site, [0, 2]);
    const woken = await tuned(classifier, { graph, masks: new Map() });
    const masked = explicitlyMasked(woken.graph, site, [0, 2]);
    const [got, due] = [
      await scoresOf(classifier, woken.graph, data.holdout),
      await scoresOf(classifier, masked, data.holdout),
    ];
    expect(apart(got, due)).toBeGreaterThan(1e-3);
  });

  test('and a decoy of bias -1e20 that is pruned leaves numbers', async () => {
    const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
    const { graph } = classifier;
    const bias = float32([4], [0.1, -1e20, 0.2, 0]);
    const decoy = {
      ...classifier,
      graph: { ...graph, initializers: new Map([...graph.initializers, ['conv1.bias', bias]]) },
    };
    for (const gone of [[1], []]) {
      const result = await tuned(decoy, applyMask(decoy, site, gone));
      const after = result.graph.initializers.get('conv1.bias') as TensorOf<'float32'>;
      expect(after.data.every(Number.isFinite)).toBe(true);
      if (gone.length > 0) expect(after.data[1]).toBe(0);
      else expect(after.data[1]).toBeLessThan(-1e19);
    }
  });
});

test('mixed weights lie on the way to those trained; what is pruned stays so', async () => {
  const { classifier, site } = await opened(specimen('Conv and BatchNormalization').model, 'site');
  const pruned = applyMask(classifier, site, [0, 2]);
  const whole = await tuned(classifier, pruned, { epochs: 1 });
  const part = await tuned(classifier, pruned, { epochs: 1, interpolate: 0.25 });
  const [before, trained, got] = [pruned.graph, whole.graph, part.graph].map((graph) =>
    parameters(classifier, graph),
  ) as [Float32Array[], Float32Array[], Float32Array[]];
  before.forEach((values, index) => {
    const due = values.map((value, at) => 0.75 * value + 0.25 * (trained[index]?.[at] ?? NaN));
    expect(apart(got[index] ?? [], due)).toBeLessThan(1e-7);
  });
  expect(before.some((values, index) => apart(values, trained[index] ?? []) > 1e-2)).toBe(true);
  const masked = explicitlyMasked(part.graph, site, [0, 2]);
  expect(
    apart(
      await scoresOf(classifier, part.graph, data.holdout),
      await scoresOf(classifier, masked, data.holdout),
    ),
  ).toBeLessThan(1e-6);
});

test('of mixed weights it is the mixture that is judged and kept', async () => {
  const { classifier } = await opened(specimen('Conv with bias').model);
  const { graph, input, scores } = classifier;
  const result = await tuned(
    classifier,
    { graph, masks: new Map() },
    { interpolate: 0.5, epochs: 3 },
  );
  const predicted = await predict(await testRuntime(), result.graph, data.holdout, {
    input,
    logits: scores,
  });
  const right = predicted.filter((label, index) => label === data.holdout.labels[index]).length;
  expect(right).toBe(heldOf(result).hits);
});

describe('the latest epoch that holdout data cannot tell from the best is kept', () => {
  test('its weights, whatever comes after', async () => {
    const { classifier } = await opened(specimen('Conv with bias').model);
    const { graph, input, scores } = classifier;
    // A rate so high that accuracy jumps about.
    const result = await tuned(classifier, { graph, masks: new Map() }, { rate: 0.3, epochs: 8 });
    const hits = result.epochs.map(({ holdout }) => holdout.hits);
    expect(new Set(hits).size).toBeGreaterThan(1);
    const least =
      Math.max(...hits) - Math.sqrt((Math.max(...hits) * (30 - Math.max(...hits))) / 30);
    expect(result.chosen).toBe(hits.findLastIndex((right) => right >= least) + 1);
    const predicted = await predict(await testRuntime(), result.graph, data.holdout, {
      input,
      logits: scores,
    });
    const right = predicted.filter((label, index) => label === data.holdout.labels[index]).length;
    expect(right).toBe(hits[result.chosen - 1]);
    expect(result.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

test('the same seed gives the same bytes, another seed others', async () => {
  const { classifier } = await opened(specimen('Conv and BatchNormalization').model);
  const { graph } = classifier;
  const run = async (seed: number) => {
    const result = await tuned(classifier, { graph, masks: new Map() }, { seed, epochs: 2 });
    return parameters(classifier, result.graph);
  };
  const first = await run(1);
  expect(await run(1)).toEqual(first);
  expect(await run(2)).not.toEqual(first);
});

test('Dropout drops where it is asked to, by the seed, when a rate is looked for too', async () => {
  const { classifier } = await opened(specimen('DeepID: two layers read one pool').model);
  const { graph } = classifier;
  const run = (more: Partial<FineTuneSettings>) =>
    tuned(classifier, { graph, masks: new Map() }, { epochs: 2, ...more });
  const weights = async (more: Partial<FineTuneSettings>) =>
    parameters(classifier, (await run(more)).graph);
  const dropped = await weights({ mode: 'dropout' });
  expect(await weights({ mode: 'dropout' })).toEqual(dropped);
  expect(await weights({})).not.toEqual(dropped);
  const [still, dropping] = [
    await run({ rate: 'auto' }),
    await run({ rate: 'auto', mode: 'dropout' }),
  ];
  expect(dropping.start.loss).not.toBe(still.start.loss);
  expect(dropping.start.holdout).toEqual(still.start.holdout);
  expect(dropping.found?.trail[0]?.loss).not.toBe(still.found?.trail[0]?.loss);
});

test('learns what it is shown', async () => {
  const { classifier } = await opened(specimen('Gemm, transposed').model);
  const { graph } = classifier;
  const { epochs } = await tuned(classifier, { graph, masks: new Map() }, { epochs: 10 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss ?? 0));
});

const from = async () => {
  const { classifier } = await opened(specimen('Conv with bias').model);
  const start = await tuned(classifier, { graph: classifier.graph, masks: new Map() });
  return { classifier, graph: start.graph, masks: new Map() };
};

describe('a loss that blows up', () => {
  test('is taken back and retried at a quarter of the rate, until it holds', async () => {
    const { classifier, ...start } = await from();
    const { epochs, retries, chosen, rate, graph } = await tuned(classifier, start, { rate: 500 });
    expect(rate).toBe(500);
    expect(retries.length).toBeGreaterThan(0);
    retries.forEach((retry, index) => {
      expect(retry).toMatchObject({ because: 'loss', rate: 500 / 4 ** index });
    });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    expect(epochs[0]?.rate).toBeLessThan(500 / 4 ** retries.length);
    expect(chosen).toBeGreaterThan(0);
    for (const values of parameters(classifier, graph)) {
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  test('at every rate leaves the weights that were given', async () => {
    const { classifier, ...start } = await from();
    const result = await tuned(classifier, start, { rate: 1e12 });
    expect(result).toMatchObject({ chosen: 0, epochs: [] });
    expect(result.retries).toHaveLength(8);
    expect(parameters(classifier, result.graph)).toEqual(parameters(classifier, start.graph));
  });
});

test('a run that ends below the floor is tried again lower, and given up for the weights given', async () => {
  const { classifier } = await opened(specimen('Conv with bias').model);
  const runtime = await testRuntime();
  const start = await tuned(classifier, { graph: classifier.graph, masks: new Map() });
  const from = heldOf(start);
  // Every label is wrong: whatever is learnt from them is worse.
  const labels = data.tune.labels.map((label) => (label + 1) % 3);
  const misled = { ...data, tune: relabel(data.tune, labels) };
  const run = (rate: number) =>
    fineTune(runtime, classifier, start.graph, new Map(), misled, {
      ...settings,
      rate,
      epochs: 12,
      floor: { from, maxDrop: 0 },
    });
  const lost = await run(0.05);
  expect(lost.retries.length).toBeGreaterThan(0);
  expect(new Set(lost.retries.map(({ because }) => because))).toEqual(new Set(['accuracy']));
  expect(lost.start.holdout.hits).toBe(from.hits);
  if (lost.chosen === 0) {
    expect(parameters(classifier, lost.graph)).toEqual(parameters(classifier, start.graph));
  } else expect(lost.epochs[lost.chosen - 1]?.holdout.hits).toBeGreaterThanOrEqual(from.hits);
});

test('patience ends a run in which holdout accuracy rises no higher', async () => {
  const { classifier } = await opened(specimen('Conv with bias').model);
  const given = { graph: classifier.graph, masks: new Map() };
  const { epochs } = await tuned(classifier, given, { rate: 0.3, epochs: 40, patience: 2 });
  const hits = epochs.map(({ holdout }) => holdout.hits);
  expect(epochs.length).toBeLessThan(40);
  expect(epochs).toHaveLength(hits.lastIndexOf(Math.max(...hits)) + 1 + 2);
});

const filters = ({ initializers }: Graph) =>
  [...initializers.values()].find(({ dims }) => dims.length === 4)?.data;

test.each([0, 1])('trains on changed samples only, after a shift of %i too', async (shift) => {
  const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
  const pruned = applyMask(classifier, site, []);
  const optimizer = { kind: 'sgd' } as const;
  const seen = await tuned(classifier, pruned, { optimizer, shift });
  expect(filters(seen.graph)).not.toEqual(filters(pruned.graph));
  // On black pictures filters have no gradient.
  const blind = await tuned(classifier, pruned, { optimizer, shift, transform: (x) => x.fill(0) });
  expect(filters(blind.graph)).toEqual(filters(pruned.graph));
});

test('augments pictures as asked', async () => {
  const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
  const pruned = applyMask(classifier, site, []);
  const seen = async (augment: FineTuneSettings['augment']) => {
    const settings = { optimizer: { kind: 'sgd' as const }, augment };
    return filters((await tuned(classifier, pruned, settings)).graph);
  };
  const plain = await seen(undefined);
  expect(await seen([])).toEqual(plain);
  const rotated = await seen(['rotate']);
  expect(rotated).not.toEqual(plain);
  expect(await seen(['rotate'])).toEqual(rotated);
  expect(await seen(['color'])).not.toEqual(rotated);
});

test('covers samples after all else is changed', async () => {
  const { classifier, site } = await opened(specimen('Conv with bias').model, 'site');
  const pruned = applyMask(classifier, site, []);
  let change = 0;
  const seen = async (occlusion?: number) => {
    const transform = (x: Float32Array) => x.fill(++change);
    const settings = { optimizer: { kind: 'sgd' as const }, transform };
    change = 0;
    return filters(
      (await tuned(classifier, pruned, occlusion ? { ...settings, occlusion } : settings)).graph,
    );
  };
  const plain = await seen();
  expect(await seen()).toEqual(plain);
  expect(await seen(0.9)).not.toEqual(plain);
});
