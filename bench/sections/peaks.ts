import { exchange } from '../exchange.ts';
import { type BenchNetwork, networks } from '../networks/index.ts';
import { besideTorch, peakMiB, type Peaks, peaksText } from '../peak.ts';
import { asks, type Row, type Section } from '../section.ts';
import { median } from '../statistics.ts';
import { openTorch } from '../torch.ts';
import { CURVE } from './curve.ts';
import { DEFEND, SIZES } from './defend.ts';

interface PeakRow extends Row, Peaks {
  readonly what: string;
  readonly threads: number;
  /** Our peak of each run in MiB; the result is their median. */
  readonly runs: readonly number[];
}

/** Runs of our side, whose peak depends on garbage collection; PyTorch's varies by 1%. */
const RUNS = 3;

/** Units of the last site of ResNet-18. */
const UNITS = 512;

const PEAKS: readonly (readonly [what: string, networks: readonly string[]])[] = [
  ['evaluate', ['small', 'deepid', 'speech', 'resnet18', 'mobilenetv2']],
  ['curve', ['resnet18']],
  ['defend', ['resnet18']],
];

/**
 * Peak memory (resident set size) of a process that evaluates a batch, computes a pruning curve, or
 * defends. PyTorch runs a few steps of the curve and two epochs: more take no more memory.
 */
export const peaks: Section<PeakRow> = {
  name: 'peaks',
  async run(context) {
    const rows: PeakRow[] = [];
    for (const [what, names] of PEAKS) {
      for (const network of networks.filter(({ name }) => names.includes(name))) {
        if (!asks(context, network.name)) continue;
        for (const threads of context.threads) {
          const runs: number[] = [];
          while (runs.length < RUNS) {
            runs.push(await peakMiB('alone', what, network.name, threads));
          }
          const both = besideTorch(median(runs), await torchAlone(what, network, threads));
          rows.push({ network: network.name, what, threads, runs, ...both });
          context.print(`  ${what} ${network.name}, ${threads} thread(s): ${peaksText(both)}`);
        }
      }
    }
    return rows;
  },
};

async function torchAlone(what: string, network: BenchNetwork, threads: number) {
  const torch = await openTorch();
  if (!torch) return undefined;
  const count = what === 'curve' ? CURVE.images : SIZES.tune + SIZES.holdout + SIZES.test;
  const shared = exchange(network.build(), what === 'evaluate' ? 1 : count, network.classes);
  const { name, batch } = network;
  const from = { network: name, threads, folder: shared.folder };
  const asked: Readonly<Record<string, object>> = {
    evaluate: { network: name, threads, batch, steps: 10 },
    curve: {
      ...from,
      batch: CURVE.batch,
      pictures: CURVE.timed,
      order: Array.from({ length: UNITS }, (_, unit) => unit),
      pruned: [0, 1],
    },
    defend: { ...from, ...DEFEND, ...SIZES, timedSteps: 1, timedEpochs: 2 },
  };
  try {
    const ask = asked[what] as Readonly<Record<string, unknown>>;
    return (await torch.run<{ peakMiB: number }>(what, ask)).peakMiB;
  } finally {
    torch.close();
    shared.remove();
  }
}
