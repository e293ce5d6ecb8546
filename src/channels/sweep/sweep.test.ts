import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { random, type Dataset } from '../../data/index.ts';
import { argmax } from '../../train/index.ts';
import type { Network } from '../../network/index.ts';
import { predictionsAlong, type CurveSettings } from './sweep.ts';
import {
  CLASSES,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimen,
  specimens,
} from '../../../test/helpers/networks.ts';
import type { Site } from '../sites.ts';
import { cutAfter } from './suffix.ts';

const data = images(40, 3);

async function along(
  classifier: Network,
  site: Site,
  order: readonly number[],
  settings: CurveSettings = {},
): Promise<{ pruned: number; predicted: number[] }[]> {
  const points: { pruned: number; predicted: number[] }[] = [];
  const runtime = await testRuntime();
  for await (const point of predictionsAlong(runtime, classifier, site, data, order, settings)) {
    points.push({ pruned: point.pruned, predicted: [...point.answers.called] });
  }
  return points;
}

/** The whole network, run anew with a Mul for the mask. */
async function byForce(
  classifier: Network,
  site: Site,
  pruned: readonly number[],
  dataset: Dataset,
): Promise<number[]> {
  const graph = explicitlyMasked(classifier.graph, site, pruned);
  const scores = await scoresOf(classifier, graph, dataset);
  return [...argmax({ type: 'float32', dims: [dataset.length, CLASSES], data: scores })];
}

const shuffled = (units: number) =>
  random(9, 'order').shuffle(Array.from({ length: units }, (_, unit) => unit));

describe('the curve says what the whole network would', () => {
  test.each(specimens)('$name', async ({ model, site: name }) => {
    const { classifier, site } = await opened(model, name);
    const order = shuffled(site.units);
    const points = await along(classifier, site, order, { batchSize: 16 });
    expect(points.map(({ pruned }) => pruned)).toEqual([0, ...order.map((_, i) => i + 1)]);
    for (const { pruned, predicted } of points) {
      const expected = await byForce(classifier, site, order.slice(0, pruned), data);
      expect(predicted, `${pruned} pruned`).toEqual(expected);
    }
  });
});

test.each([
  ['Conv with bias', 'Gemm'],
  ['Gemm, not transposed', 'Gemm'],
  ['MatMul and a bias added', 'MatMul'],
  ['depthwise Conv without bias', 'Conv'],
  ['channels last, then Reshape', 'Gemm'],
  ['DeepID: two layers read one pool', undefined],
  ['a residual read by a layer and a sum', undefined],
  ['a lone unit', 'Gemm'],
] as const)('%s: the layer taken apart is %s', async (name, op) => {
  const { model, site: value } = specimen(name);
  const { classifier, site } = await opened(model, value);
  expect(cutAfter(classifier.graph, classifier.traced, site).layer?.node.op).toBe(op);
});

test.each(['Flatten: a unit becomes columns', 'DeepID: two layers read one pool'])(
  'steps of several units end with all of them, not before: %s',
  async (name) => {
    const { model, site: value } = specimen(name);
    const { classifier, site } = await opened(model, value);
    const order = shuffled(site.units);
    const single = await along(classifier, site, order);
    for (const step of [2, 3, 100]) {
      const points = await along(classifier, site, order, { step });
      const due = single.filter(({ pruned }) => pruned % step === 0 || pruned === order.length);
      expect(points).toEqual(due);
    }
  },
);

describe('activations beyond the limit go to a file, and the results are the same', () => {
  let folder = '';
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'curve-'))));
  afterEach(() => rm(folder, { recursive: true }));

  test.each(specimens)('$name', async ({ model, site: name }) => {
    const { classifier, site } = await opened(model, name);
    const order = shuffled(site.units);
    const held = await along(classifier, site, order, { batchSize: 16 });
    for (const memory of [0, 3000]) {
      const settings = { batchSize: 16, cache: { memory, folder } };
      expect(await along(classifier, site, order, settings)).toEqual(held);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('nothing is left where the curve is given up', async () => {
    const { model, site: name } = specimen('Flatten: a unit becomes columns');
    const { classifier, site } = await opened(model, name);
    const runtime = await testRuntime();
    const controller = new AbortController();
    const settings = { cache: { memory: 0, folder }, signal: controller.signal };
    const order = shuffled(site.units);
    const points = predictionsAlong(runtime, classifier, site, data, order, settings);
    await points.next();
    controller.abort(new Error('enough'));
    await expect(points.next()).rejects.toThrow('enough');
    const others = predictionsAlong(runtime, classifier, site, data, order, settings);
    await expect(others.next()).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual([]);
  });

  test('a folder that is not there is a typed error that names it', async () => {
    const { model } = specimen('Conv with bias');
    const { classifier, site } = await opened(model, 'site');
    const gone = join(folder, 'gone');
    const failing = along(classifier, site, [0, 1], { cache: { memory: 0, folder: gone } });
    await expect(failing).rejects.toMatchObject({
      code: 'channels/spill',
      message: expect.stringContaining(gone),
    });
  });
});

test('stops when it is told to', async () => {
  const { model } = specimen('Conv with bias');
  const { classifier, site } = await opened(model, 'site');
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(along(classifier, site, [0, 1], { signal: aborted })).rejects.toThrow('enough');
});

test.each([0, -1, 1.5, Number.NaN])('a step of %d is a typed error', async (step) => {
  const { model } = specimen('Conv with bias');
  const { classifier, site } = await opened(model, 'site');
  await expect(along(classifier, site, [0, 1], { step })).rejects.toMatchObject({
    name: 'ChannelsError',
    code: 'channels/step',
    message: expect.stringContaining(`step ${step}`),
  });
});
