import { type BenchNetwork, networks } from '../networks/index.ts';
import { besideTorch, peakMiB, type Peaks, peaksText } from '../peak.ts';
import { asks, type Row, type Section } from '../section.ts';
import { openTorch } from '../torch.ts';
import { torchStep } from './training.ts';

const STEPS = 5;

interface MemoryRow extends Row, Peaks {
  readonly batch: number;
}

/** Peak memory (resident set size) of a process that trains for some steps, ours and PyTorch's. */
export const memory: Section<MemoryRow> = {
  name: 'memory',
  async run(context) {
    const { threads, print } = context;
    const rows: MemoryRow[] = [];
    for (const network of networks) {
      const { name, batch } = network;
      if (!asks(context, name)) continue;
      for (const count of threads) {
        const ours = await peakMiB('train-alone', name, count, STEPS);
        const both = besideTorch(ours, await torchAlone(network, count));
        rows.push({ network: name, batch, threads: count, ...both });
        print(`  ${name}, ${count} thread(s): ${peaksText(both)}`);
      }
    }
    return rows;
  },
};

async function torchAlone(network: BenchNetwork, threads: number) {
  const torch = await openTorch();
  if (!torch) return undefined;
  try {
    return (await torchStep(torch, { network, threads, steps: STEPS })).peakMiB;
  } finally {
    torch.close();
  }
}
