import { availableParallelism } from 'node:os';
import { watchOthers } from './others.ts';
import { asks, type Context, type Row } from './section.ts';
import { type BenchNetwork, networks } from './networks/index.ts';
import { geometricMean, median } from './statistics.ts';

/** How long something takes, beside the same in PyTorch. */
export interface TimeRow extends Row {
  readonly batch: number;
  readonly threads: number;
  /** Medians over the runs. */
  readonly oursMs: number;
  readonly torchMs?: number | undefined;
  readonly ratio?: number | undefined;
  /** Share of the machine that other processes used during the measurement, 0 to 1. */
  readonly others: number;
}

/** Runs both sides alternately, so that other load slows both. */
export async function alternating(
  { runs, torch }: Context,
  ours: () => Promise<number>,
  theirs?: () => Promise<number>,
): Promise<Pick<TimeRow, 'oursMs' | 'torchMs' | 'ratio' | 'others'>> {
  const others = watchOthers(torch);
  const [own, other]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    own.push(await ours());
    if (theirs) other.push(await theirs());
  }
  const oursMs = median(own);
  if (!theirs) return { oursMs, others: others() };
  const torchMs = median(other);
  return { oursMs, torchMs, ratio: oursMs / torchMs, others: others() };
}

/** Measures each requested network with each number of threads, and prints a table. */
export async function table<R extends TimeRow>(
  context: Context,
  measure: (network: BenchNetwork, threads: number) => Promise<R>,
): Promise<R[]> {
  const rows: R[] = [];
  context.print('network       batch threads    ours ms   torch ms   ratio  others');
  for (const network of networks.filter(({ name }) => asks(context, name))) {
    for (const threads of context.threads) {
      if (threads > availableParallelism()) continue;
      const row = await measure(network, threads);
      rows.push(row);
      context.print(line(row));
    }
  }
  for (const { threads, ratio } of means(rows)) {
    context.print(`geometric mean of ratios, ${threads} thread(s): ${ratio.toFixed(2)}`);
  }
  return rows;
}

/** Geometric mean and maximum of the ratios for each number of threads. */
export function means(rows: readonly TimeRow[]) {
  const counts = [...new Set(rows.map(({ threads }) => threads))].sort((a, b) => a - b);
  return counts.flatMap((threads) => {
    const ratios = rows.flatMap((row) =>
      row.threads === threads && row.ratio !== undefined && isInMean(row.network)
        ? [row.ratio]
        : [],
    );
    if (ratios.length === 0) return [];
    return [{ threads, ratio: geometricMean(ratios), worst: Math.max(...ratios) }];
  });
}

const isInMean = (name: string) =>
  networks.find((network) => network.name === name)?.extra !== true;

function line({ network, batch, threads, oursMs, torchMs, ratio, others }: TimeRow): string {
  return [
    network.padEnd(12),
    String(batch).padStart(6),
    String(threads).padStart(7),
    figure(oursMs, 10),
    figure(torchMs, 10),
    figure(ratio, 7),
    figure(others, 7),
  ].join(' ');
}

function figure(value: number | undefined, width: number): string {
  return (value === undefined ? '-' : value.toFixed(2)).padStart(width);
}
