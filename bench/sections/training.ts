import { availableParallelism } from 'node:os';
import { sizeOf } from '../../src/onnx/index.ts';
import { nodeRuntime } from '../../src/runtime/index.ts';
import { trainingStep, type TrainingStep } from '../../src/train/index.ts';
import { type BenchNetwork, networks, trainedIn } from '../networks/index.ts';
import type { Context, Section } from '../section.ts';
import { geometricMean, median } from '../statistics.ts';

interface Row {
  readonly network: string;
  readonly batch: number;
  readonly threads: number;
  /** Medians over the runs, each run being the median of its steps. */
  readonly oursMs: number;
  readonly torchMs?: number;
  readonly ratio?: number;
}

/** Steps of each run: enough that a run lasts as long as a breath of the machine. */
const STEPS = 5;

/**
 * One training step (forward, loss, backward, SGD with momentum 0.9) against PyTorch's, in runs that
 * alternate: whatever else the machine does slows down both.
 */
export const training: Section = {
  name: 'training',
  async run(context) {
    const rows: Row[] = [];
    const chosen = networks.filter(
      ({ name }) => context.only.length === 0 || context.only.includes(name),
    );
    context.print('network       batch threads    ours ms   torch ms   ratio');
    for (const network of chosen) {
      for (const threads of context.threads) {
        if (threads > availableParallelism()) continue;
        const row = await measure(context, network, threads);
        rows.push(row);
        context.print(line(row));
      }
    }
    const means = context.threads.flatMap((threads) => {
      const ratios = rows.flatMap((row) =>
        row.threads === threads && row.ratio !== undefined ? [row.ratio] : [],
      );
      if (ratios.length === 0) return [];
      const ratio = geometricMean(ratios);
      context.print(`geometric mean of ratios, ${threads} thread(s): ${ratio.toFixed(2)}`);
      return [{ threads, ratio, worst: Math.max(...ratios) }];
    });
    return { rows, means };
  },
};

async function measure(
  { torch, runs }: Context,
  network: BenchNetwork,
  threads: number,
): Promise<Row> {
  const { name, batch } = network;
  const { step, train, parameters } = await ready(network, threads);
  try {
    await train(2);
    const check = await torch?.run({ network: name, batch, threads, steps: 2 });
    if (check && check.parameters !== parameters) {
      throw new Error(
        `${name} trains ${parameters} numbers here and ${check.parameters} in PyTorch: they are not the same network`,
      );
    }
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      ours.push(median(await train(STEPS)));
      if (!torch) continue;
      theirs.push(median((await torch.run({ network: name, batch, threads, steps: STEPS })).ms));
    }
    const oursMs = median(ours);
    if (!torch) return { network: name, batch, threads, oursMs };
    const torchMs = median(theirs);
    return { network: name, batch, threads, oursMs, torchMs, ratio: oursMs / torchMs };
  } finally {
    await step.dispose();
  }
}

/** A network ready to be trained, with data that are always the same. */
export async function ready(network: BenchNetwork, threads: number) {
  const { batch, sample, classes, logits } = network;
  const { graph } = network.build();
  const parameters = trainedIn(graph);
  const runtime = await nodeRuntime({ threads });
  const step: TrainingStep = await trainingStep(runtime, graph, {
    input: 'image',
    logits,
    sample,
    classes,
    batchSize: batch,
    optimiser: { kind: 'sgd', momentum: 0.9 },
    mode: 'training',
    parameters,
  });
  const x = Float32Array.from(
    { length: batch * sizeOf(sample) },
    (_, i) => ((i * 7919) % 997) / 997,
  );
  const y = Int32Array.from({ length: batch }, (_, i) => i % classes);
  const weights = new Float32Array(batch).fill(1);
  const train = async (steps: number) => {
    const times: number[] = [];
    for (let done = 0; done < steps; done += 1) {
      const start = performance.now();
      const { loss } = await step.run({ x, y, weights }, 0.01);
      times.push(performance.now() - start);
      if (!Number.isFinite(loss)) throw new Error(`${network.name}: the loss became ${loss}`);
    }
    return times;
  };
  const count = parameters.reduce(
    (sum, name) => sum + sizeOf(graph.initializers.get(name)?.dims ?? []),
    0,
  );
  return { step, train, parameters: count };
}

function line({ network, batch, threads, oursMs, torchMs, ratio }: Row): string {
  return [
    network.padEnd(12),
    String(batch).padStart(6),
    String(threads).padStart(7),
    figure(oursMs, 10),
    figure(torchMs, 10),
    figure(ratio, 7),
  ].join(' ');
}

function figure(value: number | undefined, width: number): string {
  return (value === undefined ? '-' : value.toFixed(2)).padStart(width);
}
