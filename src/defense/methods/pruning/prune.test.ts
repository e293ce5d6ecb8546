import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { arrayDataset, type Dataset } from '../../../data/index.ts';
import { flatten, network, finish, relu } from '../../../lab/networks/layers.ts';
import { float32, type Model } from '../../../onnx/index.ts';
import { openClassifier, type Ranking } from '../../../network/index.ts';
import { images, specimen } from '../../../../test/helpers/networks.ts';
import { lastOf, prunedSites, tuningOf } from '../../../../test/helpers/repair.ts';
import { repair, type RepairOptions } from '../../repair.ts';
import { prune, type PruneSettings, type Pruning } from './prune.ts';
import { defaultSites, sitesOf } from '../../../channels/index.ts';

const CLASSES = 5;

/** Scores = second · relu(first · x + bias): what each unit does is written in the matrices. */
function twoLayers(
  first: readonly (readonly number[])[],
  bias: readonly number[],
  second: readonly (readonly number[])[],
): Model {
  const net = network(1);
  const x = flatten(net, net.b.input('x', 'float32', ['N', CLASSES]));
  const one = net.b.initializer('first', float32([first.length, CLASSES], first.flat()));
  const b = net.b.initializer('bias', float32([first.length], bias));
  const two = net.b.initializer('second', float32([CLASSES, first.length], second.flat()));
  const hidden = relu(net, net.b.op('Gemm', [x, one, b], { transB: 1 }), 'hidden');
  const scores = net.b.op('Gemm', [hidden, two], { transB: 1 }, 'scores');
  return finish(net, scores, CLASSES, { name: 'two layers' });
}

const identity = Array.from({ length: CLASSES }, (_, row) =>
  Array.from({ length: CLASSES }, (_, column) => (row === column ? 1 : 0)),
);

/** One-hot samples: so many of each class. Class 0 is also what zero scores are taken for. */
function oneHot(counts: readonly number[]): Dataset {
  const labels = Int32Array.from(
    counts.flatMap((count, label) => Array<number>(count).fill(label)),
  );
  return arrayDataset({
    name: 'one-hot',
    classes: ['a', 'b', 'c', 'd', 'e'],
    sample: [CLASSES],
    labels,
    data: Float32Array.from([...labels].flatMap((label) => identity[label] as number[])),
  });
}

async function pruned(model: Model, data: Dataset, settings: PruneSettings): Promise<Pruning> {
  const runtime = await testRuntime();
  const classifier = await openClassifier(runtime, model, data);
  const site = defaultSites(
    classifier.traced,
    sitesOf(classifier.traced, classifier.scores),
    classifier.scores,
  ).sites[0];
  return prune(runtime, classifier, site, data, settings);
}

const plain = twoLayers(identity, [0, 0, 0, 0, 0], identity);
// Unit 4 is dormant; the others cost 5, 15, 30 and no points of accuracy.
const skewed = oneHot([50, 30, 15, 5, 0]);

describe('prunes in ascending order of mean activation', () => {
  test('as far as validation accuracy allows, and says why it stopped', async () => {
    const result = await pruned(plain, skewed, { maxDrop: 0.1 });
    expect([...result.profile]).toEqual(
      [0.5, 0.3, 0.15, 0.05, 0].map((mean) => expect.closeTo(mean, 9)),
    );
    expect(result.order).toEqual([4, 3, 2, 1, 0]);
    expect(
      result.curve.map(({ pruned, unit, validation }) => [pruned, unit, validation.hits]),
    ).toEqual([
      [0, null, 100],
      [1, 4, 100],
      [2, 3, 95],
      [3, 2, 80],
    ]);
    expect(result.pruned).toEqual([3, 4]);
    expect(result.stop).toBe('drop');
  });

  test.each([
    [0, [4]],
    [0.049, [4]],
    // Exactly the drop: as floats, 1 - 0.95 is more than 0.05.
    [0.05, [3, 4]],
    [0.2, [2, 3, 4]],
    [0.499, [2, 3, 4]],
  ])('a drop of %d allows %j', async (maxDrop, units) => {
    expect((await pruned(plain, skewed, { maxDrop })).pruned).toEqual(units);
  });

  test('but leaves one unit, whatever is allowed', async () => {
    const result = await pruned(plain, skewed, { maxDrop: 1 });
    expect(result.pruned).toEqual([1, 2, 3, 4]);
    expect(result.stop).toBe('all units');
  });

  test('several at a time, where told so', async () => {
    const result = await pruned(plain, skewed, { maxDrop: 0.1, step: 2 });
    expect(result.curve.map(({ pruned }) => pruned)).toEqual([0, 2, 4]);
    expect(result.pruned).toEqual([3, 4]);
  });
});

describe('what is kept is the last state before the bound was broken', () => {
  // Unit 3 always adds 3 to class 1, unit 4 takes as much away: without 4 alone, all is class 1.
  const first = [...identity.slice(0, 3), [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]];
  const second = [
    [1, 0, 0, 0, 0],
    [0, 1, 0, 3, -6],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
  ];
  const paired = twoLayers(first, [0, 0, 0, 0.02, 0.01], second);
  const data = oneHot([60, 30, 10, 0, 0]);

  test('not one that broke it', async () => {
    const result = await pruned(paired, oneHot([80, 15, 5, 0, 0]), { maxDrop: 0.02 });
    expect(result.order.slice(0, 2)).toEqual([4, 3]);
    expect(result.curve.at(-1)?.validation.hits).toBeLessThan(98);
    expect(result.pruned).toEqual(
      result.order.slice(0, result.curve.length - 2).toSorted((a, b) => a - b),
    );
  });

  test('nor one after it that is right again', async () => {
    const loud = twoLayers(
      first,
      [0, 0, 0, 0.02, 0.01],
      second.map((row) => row.map((w, unit) => (unit > 2 ? 100 * w : w))),
    );
    const result = await pruned(loud, data, { maxDrop: 0.02, fullCurve: true });
    const hits = result.curve.map(({ validation }) => validation.hits);
    expect(result.order.slice(0, 2)).toEqual([4, 3]);
    // 4 pruned: all is class 1. 4 and 3 pruned: all is right again.
    expect(hits.slice(0, 3)).toEqual([100, 30, 100]);
    expect(result.pruned).toEqual([]);
    expect(result.curve).toHaveLength(5);
    const short = await pruned(loud, data, { maxDrop: 0.02 });
    expect(short.curve).toEqual(result.curve.slice(0, 2));
    expect(short.pruned).toEqual([]);
  });
});

describe('the drop is a difference of points, with its sign', () => {
  test('accuracy that rises is no drop', async () => {
    // Unit 3 is a nuisance: always on, it makes everything class 0.
    const data = oneHot([40, 30, 30, 0, 0]);
    const second = identity.map((row) => [...row]);
    (second[0] as number[])[3] = 1000;
    const nuisance = twoLayers(
      [...identity.slice(0, 3), [0, 0.001, 0.001, 0, 0], identity[4] as number[]],
      [0, 0, 0, 0.001, 0],
      second,
    );
    const result = await pruned(nuisance, data, { maxDrop: 0 });
    const hits = result.curve.map(({ validation }) => validation.hits);
    expect(hits).toEqual([40, 40, 100, 70, 40]);
    expect(result.pruned).toEqual([1, 2, 3, 4]);
  });

  test('two points are two points of an accuracy of one half too', async () => {
    // Classes 3 and 4 are never found: accuracy starts at one half.
    const blind = twoLayers(
      [...identity.slice(0, 3), [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
      [0, 0, 0, 0, 0],
      identity,
    );
    const half = oneHot([0, 49, 1, 25, 25]);
    const result = await pruned(blind, half, { maxDrop: 0.011 });
    // Unit 2 costs 1 point of 100, which is 2% of the 50.
    expect(result.curve[0]?.validation.hits).toBe(50);
    expect(result.pruned).toEqual([0, 2, 3, 4]);
  });
});

describe('a share of the units', () => {
  test.each([
    [0, []],
    [0.4, [3, 4]],
    [0.59, [3, 4]],
    [0.6, [2, 3, 4]],
    // One is left.
    [1, [1, 2, 3, 4]],
  ])('of %d is %j, whatever that costs', async (share, units) => {
    for (const fullCurve of [false, true]) {
      const result = await pruned(plain, skewed, { maxDrop: 0, share, fullCurve });
      expect(result.pruned).toEqual(units);
      expect(result.stop).toBe(units.length === 4 ? 'all units' : 'share');
      expect(result.curve).toHaveLength(fullCurve ? 5 : units.length + 1);
    }
  });

  test.each([false, true])('ends a step early (full curve: %s)', async (fullCurve) => {
    for (const step of [2, 3, 100]) {
      const result = await pruned(plain, skewed, { maxDrop: 0, share: 0.6, step, fullCurve });
      expect(result.pruned).toEqual([2, 3, 4]);
    }
  });
});

const close = (values: readonly number[]): unknown[] =>
  values.map((value) => expect.closeTo(value, 6) as unknown);

describe('units are ranked by', () => {
  // Of two samples of each class but the last; unit 0 is on for all, and 1 is far below zero.
  const first = identity.map((row, unit) => (unit === 0 ? [1, 1, 1, 1, 1] : [...row]));
  (first[3] as number[])[3] = 7;
  const model = twoLayers(first, [0, -5, 0, 0, 0.25], identity);
  const data = oneHot([2, 2, 2, 2, 0]);
  test('each of five statistics, over samples', async () => {
    const { statistics } = await pruned(model, data, { maxDrop: 1 });
    expect([...statistics.mean]).toEqual(close([1, 0, 0.25, 1.75, 0.25]));
    expect([...statistics['mean-absolute']]).toEqual(close([1, 0, 0.25, 1.75, 0.25]));
    expect([...statistics.max]).toEqual([1, 0, 1, 7, 0.25]);
    expect([...statistics['active-share']]).toEqual([1, 0, 0.25, 0.25, 1]);
    // On for a quarter of the samples.
    const deviation = Math.sqrt(0.25 * 0.75);
    expect([...statistics.std]).toEqual(close([0, 0, deviation, 7 * deviation, 0]));
    const orders = { max: [1, 4, 2, 0, 3], 'active-share': [1, 2, 3, 4, 0], std: [1, 4, 0, 2, 3] };
    for (const [rank, order] of Object.entries(orders)) {
      const result = await pruned(model, data, { maxDrop: 1, rank: rank as Ranking });
      expect(result.order).toEqual(order);
      expect(result.rank).toBe(rank);
    }
  });
});

test('test data are reported, and choose nothing', async () => {
  const { model } = specimen('Flatten: a unit becomes columns');
  const runtime = await testRuntime();
  const validation = images(80, 5);
  const settings: RepairOptions = {
    maxDrop: 0.05,
    compare: true,
    seed: 3,
    epochs: 2,
    batchSize: 16,
    rate: 0.05,
  };
  const run = (seed: number) => {
    const clean = images(30, seed);
    const target = { kind: 'all-to-one', label: seed % 3 } as const;
    const test = { clean, triggered: { dataset: images(25, seed + 50), target } };
    return repair(runtime, model, validation, { ...settings, test });
  };
  const [a, b] = [await run(20), await run(21)];
  expect(a.outcomes.map(({ evaluation }) => evaluation)).not.toEqual(
    b.outcomes.map(({ evaluation }) => evaluation),
  );
  const chosen = (made: typeof a) =>
    prunedSites(made).map(({ curve, profile, ...site }) => ({
      ...site,
      profile: profile.clean,
      curve: curve.map(({ pruned, validation }) => ({ pruned, validation })),
    }));
  expect(chosen(a)).toEqual(chosen(b));
  expect(a.holdout).toEqual(b.holdout);
  expect(a.outcomes.map(({ method }) => method)).toEqual([
    'none',
    'pruning',
    'fine-tuning',
    'fine-pruning',
  ]);
  for (const [index, { network }] of a.outcomes.entries()) {
    expect(network.graph.initializers).toEqual(b.outcomes[index]?.network.graph.initializers);
  }
  expect(tuningOf(a).runs).toEqual(tuningOf(b).runs);
  // Nor does it matter whether there are any.
  const none = await repair(runtime, model, validation, settings);
  expect(chosen(none)).toEqual(chosen(a));
  expect(lastOf(none).network.graph.initializers).toEqual(lastOf(a).network.graph.initializers);
  expect(lastOf(none).evaluation).toBeUndefined();
});

test('a smaller holdout leaves more to fine-tune on, and judges by less', async () => {
  const { model } = specimen('Conv with bias');
  const runtime = await testRuntime();
  const how = { epochs: 1, rate: 0.01 };
  const usual = await repair(runtime, model, images(60), how);
  const little = await repair(runtime, model, images(60), { ...how, holdout: 0.1 });
  expect([usual.clean.train.length, usual.holdout.before.of]).toEqual([48, 12]);
  expect([little.clean.train.length, little.holdout.after.of]).toEqual([54, 6]);
});

test.each([0, 1, 2])('validation data of %d samples are refused', async (length) => {
  const { model } = specimen('Conv with bias');
  const run = repair(await testRuntime(), model, images(length));
  await expect(run).rejects.toMatchObject({ code: 'defense/too-few' });
});

test('three samples will do, if little comes of it', async () => {
  const { model } = specimen('Conv with bias');
  const how = { epochs: 1, batchSize: 2 };
  const { clean } = await repair(await testRuntime(), model, images(3), how);
  expect([clean.train.length, clean.holdout.length]).toEqual([2, 1]);
});
