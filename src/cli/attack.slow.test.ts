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

test('networks that begin with the clean one, side by side, are those made one after the other', async () => {
  const options = ['--attacks', 'none', 'pruning-aware'];
  const files = ['clean.onnx', 'pruning-aware.onnx'];
  const sideBySide = await reproduced(join(folder, 'jobs'), [...options, '--jobs', '2'], files);
  expect(sideBySide).toEqual(await reproduced(join(folder, 'one-by-one'), options, files));
}, 300_000);
