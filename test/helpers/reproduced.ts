import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sha256Of } from '../../src/onnx/file.ts';
import { experimentFromJson } from '../../src/report/index.ts';
import { fineprune } from './cli.ts';

/** The record of `reproduce digits --quick` without its times, and digests of networks of seed 0. */
export async function reproduced(
  out: string,
  options: readonly string[],
  files: readonly string[],
): Promise<object> {
  const args = ['reproduce', 'digits', '--quick', '--no-compare', '--out', out, ...options];
  expect((await fineprune(args)).code).toBe(0);
  const { runs, networks } = experimentFromJson(
    await readFile(join(out, 'reproduce.json'), 'utf8'),
  );
  const digests = await Promise.all(
    files.map(async (name) => sha256Of(await readFile(join(out, 'seed-0', name)))),
  );
  return { runs: runs.map((run) => ({ ...run, seconds: 0 })), networks, digests };
}
