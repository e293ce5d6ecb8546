import { sizeOf } from '../../src/onnx/index.ts';
import { nodeRuntime } from '../../src/runtime/index.ts';
import { trainingStep, type TrainingStep } from '../../src/train/index.ts';
import { flopsOf, peakOf } from '../flops.ts';
import { type BenchNetwork, inputOf, picturesOf, trainedIn } from '../networks/index.ts';
import { alternating, means, table, type TimeRow } from '../ratios.ts';
import type { Context, Section } from '../section.ts';
import { median } from '../statistics.ts';
import type { Torch } from '../torch.ts';

/** Steps of each run: enough to average over fluctuations of the machine. */
const STEPS = 5;

/**
 * One training step (forward, loss, backward, SGD with momentum 0.9), compared with PyTorch in alternating
 * runs, so that other load slows both.
 */
export const training: Section<TrainingRow> = {
  name: 'training',
  run: (context) => table(context, (network, threads) => measure(context, network, threads)),
  summary: (rows) => ({ means: means(rows) }),
};

interface TrainingRow extends TimeRow {
  /** FLOP/s of the layers by their definition, and of a large matrix product. */
  readonly gflops: number;
  readonly peakGflops: number;
}

async function measure(
  context: Context,
  network: BenchNetwork,
  threads: number,
): Promise<TrainingRow> {
  const { torch } = context;
  const { name, batch } = network;
  const { step, train, parameters } = await ready(network, threads);
  const torchTrains = torch && ((steps: number) => torchStep(torch, { network, threads, steps }));
  try {
    await train(2);
    const check = await torchTrains?.(2);
    if (check && check.parameters !== parameters) {
      throw new Error(
        `${name} trains ${parameters} numbers here and ${check.parameters} in PyTorch: they are not the same network`,
      );
    }
    const times = await alternating(
      context,
      async () => median(await train(STEPS)),
      torchTrains && (async () => median((await torchTrains(STEPS)).ms)),
    );
    const runtime = await nodeRuntime({ threads });
    const gflops = (await flopsOf(runtime, network)) / times.oursMs / 1e6;
    const peakGflops = (await peakOf(runtime)) / 1e9;
    context.print(
      `  ${name}: ${gflops.toFixed(0)} GFLOP/s, ${((100 * gflops) / peakGflops).toFixed(0)}% of a large matrix product's ${peakGflops.toFixed(0)}`,
    );
    return { network: name, batch, threads, ...times, gflops, peakGflops };
  } finally {
    await step.dispose();
  }
}

/** Trains for some steps in PyTorch. */
export function torchStep(
  torch: Torch,
  {
    network: { name, batch },
    threads,
    steps,
  }: { network: BenchNetwork; threads: number; steps: number },
): Promise<TorchSteps> {
  return torch.run('train', { network: name, batch, threads, steps });
}

export interface TorchSteps {
  /** Time of each step. */
  readonly ms: readonly number[];
  readonly loss: number;
  /** Number of trained elements, to check that both sides train the same network. */
  readonly parameters: number;
  /** Peak resident set size of the process so far. */
  readonly peakMiB: number;
}

/** A training step of a network, with fixed data. */
export async function ready(network: BenchNetwork, threads: number) {
  const { batch, classes } = network;
  const { step, parameters } = await stepOf(network, threads);
  const { data: x } = picturesOf(network);
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
  return { step, train, parameters };
}

/** A function of its own, so that the model can be freed before the step runs. */
async function stepOf(network: BenchNetwork, threads: number) {
  const { batch, sample, classes, logits } = network;
  const { graph } = network.build();
  const parameters = trainedIn(graph);
  const step: TrainingStep = await trainingStep(await nodeRuntime({ threads }), graph, {
    input: inputOf(graph),
    logits,
    sample,
    classes,
    batchSize: batch,
    optimizer: { kind: 'sgd', momentum: 0.9 },
    mode: 'training',
    parameters,
  });
  const count = parameters.reduce(
    (sum, name) => sum + sizeOf(graph.initializers.get(name)?.dims ?? []),
    0,
  );
  return { step, parameters: count };
}
