import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reproduced } from '../../test/helpers/reproduced.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-attack-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('concurrent jobs that start from the clean network give the same networks as one after the other', async () => {
  const options = ['--attacks', 'none', 'pruning-aware'];
  const files = ['clean.onnx', 'pruning-aware.onnx'];
  const concurrent = await reproduced(join(folder, 'jobs'), [...options, '--jobs', '2'], files);
  expect(concurrent).toEqual(await reproduced(join(folder, 'one-by-one'), options, files));
}, 300_000);
