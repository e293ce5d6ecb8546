import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type BenchNetwork, networks } from '../networks/index.ts';
import { asks, type Row, type Section } from '../section.ts';
import { openTorch } from '../torch.ts';
import { torchStep } from './training.ts';

const STEPS = 5;

interface MemoryRow extends Row {
  readonly batch: number;
  readonly oursMiB: number;
  readonly torchMiB: number | undefined;
  readonly ratio: number | undefined;
}

/** Peak memory (resident size) of a process that trains for some steps, ours and PyTorch's. */
export const memory: Section<MemoryRow> = {
  name: 'memory',
  async run(context) {
    const { threads, print } = context;
    const rows: MemoryRow[] = [];
    for (const network of networks) {
      const { name, batch } = network;
      if (!asks(context, name)) continue;
      for (const count of threads) {
        const oursMiB = alone(name, count);
        const torchMiB = await torchAlone(network, count);
        const ratio = torchMiB === undefined ? undefined : oursMiB / torchMiB;
        rows.push({ network: name, batch, threads: count, oursMiB, torchMiB, ratio });
        print(
          `  ${name}, ${count} thread(s): ${oursMiB.toFixed(0)} MiB, PyTorch ${torchMiB?.toFixed(0) ?? '-'} MiB, ratio ${ratio?.toFixed(2) ?? '-'}`,
        );
      }
    }
    return rows;
  },
};

function alone(network: string, threads: number): number {
  const script = fileURLToPath(new URL('../train-alone.ts', import.meta.url));
  const words = ['--import', 'tsx', script, network, String(threads), String(STEPS)];
  return Number(execFileSync(process.execPath, words, { encoding: 'utf8' }));
}

async function torchAlone(network: BenchNetwork, threads: number) {
  const torch = await openTorch();
  if (!torch) return undefined;
  try {
    return (await torchStep(torch, { network, threads, steps: STEPS })).peakMiB;
  } finally {
    torch.close();
  }
}
