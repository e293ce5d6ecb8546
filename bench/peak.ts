import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Peak memory (resident size) of a process that runs a script of this folder, in MiB. */
export function peakMiB(script: string, ...words: readonly (string | number)[]): number {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const args = ['--import', 'tsx', path, ...words.map(String)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

export interface Peaks {
  readonly oursMiB: number;
  readonly torchMiB: number | undefined;
  readonly ratio: number | undefined;
}

/** Two peaks, and how they compare. */
export function besideTorch(oursMiB: number, torchMiB: number | undefined): Peaks {
  return { oursMiB, torchMiB, ratio: torchMiB === undefined ? undefined : oursMiB / torchMiB };
}

export function peaksText({ oursMiB, torchMiB, ratio }: Peaks): string {
  return `${oursMiB.toFixed(0)} MiB, PyTorch ${torchMiB?.toFixed(0) ?? '-'} MiB, ratio ${ratio?.toFixed(2) ?? '-'}`;
}
