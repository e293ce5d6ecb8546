import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256Of } from '../../onnx/file.ts';
import { encodeModel } from '../../onnx/index.ts';
import { smallNetwork } from '../networks/small.ts';
import type { TrainedNetwork } from './results.ts';
import { readNetworks, writeNetwork } from './saved-networks.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-networks-'))));
afterAll(() => rm(folder, { recursive: true }));

const hashed = (all: readonly TrainedNetwork[]) =>
  all.map(({ model, ...about }) => ({ ...about, model: sha256Of(encodeModel(model)) }));

test('networks are read as they were written, and only for the same data', async () => {
  const rate = { rate: 1, hits: 3, of: 3, low: 0.4, high: 1 };
  const networks: TrainedNetwork[] = [
    { attack: 'none', model: smallNetwork(1), seconds: 2 },
    {
      attack: 'pruning-aware',
      model: smallNetwork(2),
      seconds: 5,
      decoys: [3, 1],
      retrainings: [{ pruned: 2, acc: rate, asr: rate }],
      reached: true,
    },
  ];
  const trainedWith = { seed: 1, source: 'synthetic', quick: false };
  const all = ['none', 'baseline', 'pruning-aware'] as const;
  expect(await readNetworks(folder, all, trainedWith)).toEqual([]);
  for (const network of networks) await writeNetwork(folder, network, trainedWith);
  expect(hashed(await readNetworks(folder, all, trainedWith))).toEqual(hashed(networks));
  expect(hashed(await readNetworks(folder, ['none'], trainedWith))).toEqual(
    hashed(networks.slice(0, 1)),
  );
  expect(await readNetworks(folder, all, { ...trainedWith, quick: true })).toEqual([]);
});
