import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { networks } from '../networks/index.ts';
import type { Section } from '../section.ts';
import { openTorch } from '../torch.ts';

const STEPS = 5;

/** Peak memory (resident size) of a process that trains for some steps, ours and PyTorch's. */
export const memory: Section = {
  name: 'memory',
  async run({ only, threads, print }) {
    const rows: object[] = [];
    for (const { name, batch } of networks) {
      if (only.length > 0 && !only.includes(name)) continue;
      for (const count of threads) {
        const oursMiB = alone(name, count);
        const torchMiB = await torchAlone(name, batch, count);
        const ratio = torchMiB === undefined ? undefined : oursMiB / torchMiB;
        rows.push({ network: name, batch, threads: count, oursMiB, torchMiB, ratio });
        print(
          `  ${name}, ${count} thread(s): ${oursMiB.toFixed(0)} MiB, PyTorch ${torchMiB?.toFixed(0) ?? '-'} MiB, ratio ${ratio?.toFixed(2) ?? '-'}`,
        );
      }
    }
    return { steps: STEPS, rows };
  },
};

function alone(network: string, threads: number): number {
  const script = fileURLToPath(new URL('../train-alone.ts', import.meta.url));
  const words = ['--import', 'tsx', script, network, String(threads), String(STEPS)];
  return Number(execFileSync(process.execPath, words, { encoding: 'utf8' }));
}

async function torchAlone(network: string, batch: number, threads: number) {
  const torch = await openTorch();
  if (!torch) return undefined;
  try {
    return (await torch.run({ network, batch, threads, steps: STEPS })).peakMiB;
  } finally {
    torch.close();
  }
}
