import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../node_modules/.cache/fineprune-bench/', import.meta.url));

let built: Promise<unknown> | undefined;

/**
 * Builds the scripts as the package is published: a compiler in the process would take 40 MiB. The import
 * is dynamic, since the measured scripts import this file too.
 */
async function build(): Promise<unknown> {
  const { build: tsdown } = await import('tsdown');
  const entry = ['alone', 'train-alone'].map((name) =>
    fileURLToPath(new URL(`${name}.ts`, import.meta.url)),
  );
  return tsdown({
    config: false,
    entry,
    outDir: FOLDER,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    dts: false,
    logLevel: 'error',
  });
}

/** Peak memory (resident set size) of a process that runs a script of this folder, in MiB. */
export async function peakMiB(
  script: 'alone' | 'train-alone',
  ...words: readonly (string | number)[]
): Promise<number> {
  await (built ??= build());
  const args = [join(FOLDER, `${script}.mjs`), ...words.map(String)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

export interface Peaks {
  readonly oursMiB: number;
  readonly torchMiB: number | undefined;
  readonly ratio: number | undefined;
}

/** Both peaks and their ratio. */
export function besideTorch(oursMiB: number, torchMiB: number | undefined): Peaks {
  return { oursMiB, torchMiB, ratio: torchMiB === undefined ? undefined : oursMiB / torchMiB };
}

export function peaksText({ oursMiB, torchMiB, ratio }: Peaks): string {
  return `${oursMiB.toFixed(0)} MiB, PyTorch ${torchMiB?.toFixed(0) ?? '-'} MiB, ratio ${ratio?.toFixed(2) ?? '-'}`;
}
