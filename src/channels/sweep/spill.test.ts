import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { prunedSites } from '../../../test/helpers/repair.ts';
import { repair, type Repair, type RepairOptions } from '../../defense/index.ts';
import { images, specimen } from '../../../test/helpers/networks.ts';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'spill-'))));
afterAll(() => rm(folder, { recursive: true }));

const TARGET = { kind: 'all-to-one', label: 1 } as const;

async function run(settings: RepairOptions, validation = images(60, 2)) {
  const { model } = specimen('Flatten: a unit becomes columns');
  const clean = images(40, 3);
  const test = { clean, triggered: { dataset: images(40, 4), target: TARGET } };
  return repair(await testRuntime(), model, validation, {
    method: 'pruning',
    fullCurve: true,
    test,
    ...settings,
  });
}

/** All that pruning decides, and what comes of it. */
const result = (made: Repair) => [
  prunedSites(made),
  made.outcomes.map(({ predictions, network }) => ({
    predictions,
    weights: [...network.graph.initializers],
  })),
];

test('a defense whose activations go to a file comes to the same, and removes the file', async () => {
  const [held, spilled] = [await run({}), await run({ cache: { memory: 0, folder } })];
  expect(result(spilled)).toEqual(result(held));
  expect(await readdir(folder)).toEqual([]);
});

test('the file is removed when the defense fails or is stopped while it prunes', async () => {
  const spill = { cache: { memory: 0, folder } };
  const controller = new AbortController();
  const stopped = run({
    ...spill,
    signal: controller.signal,
    onProgress: (stage, done) => {
      if (stage === 'prune' && done > 0) controller.abort(new Error('stopped'));
    },
  });
  await expect(stopped).rejects.toThrow('stopped');
  const failed = run({
    ...spill,
    onProgress: (stage, done) => {
      if (stage === 'prune' && done > 0) throw new Error('failed');
    },
  });
  await expect(failed).rejects.toThrow('failed');
  expect(await readdir(folder)).toEqual([]);
});

test('the limit and the folder reach every curve of a defense', async () => {
  const gone = join(folder, 'gone');
  await expect(run({ cache: { memory: 0, folder: gone } })).rejects.toMatchObject({
    code: 'channels/spill',
  });
  await expect(run({ cache: { memory: 1e9, folder: gone } })).resolves.toBeDefined();
});
