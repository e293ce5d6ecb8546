import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fineprune } from '../../test/helpers/cli.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-data-sets-'));
  vi.stubEnv('FINEPRUNE_DATA', folder);
});
afterAll(() => rm(folder, { recursive: true }));

test('data lists for each set where it belongs, how to get it and whether it is complete', async () => {
  await mkdir(join(folder, 'lfw-crop', 'Ann'), { recursive: true });
  await writeFile(join(folder, 'lfw-crop', 'Ann', 'Ann_0001.png'), '');
  const { out, code } = await fineprune(['data']);
  expect(out).toMatch(/^mnist +complete \(4 files/m);
  expect(out).toContain(`fsdd  missing: it belongs at ${join(folder, 'fsdd')}`);
  expect(out).toContain(
    `lfw-crop  not complete, or not the original (files counted): ${join(folder, 'lfw-crop')}`,
  );
  expect(out).toContain('Ann/Ann*: 1 files, expected 0');
  expect(out).toContain('CC BY-SA 4.0');
  expect(code).toBe(1);
});

test('data --json names every set, and can read every file', async () => {
  const { out, code } = await fineprune(['data', 'mnist', '--verify', '--json', '--quiet']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    sets: [{ name: 'mnist', state: 'whole', compared: 'contents', files: 4, faults: [] }],
  });
});
