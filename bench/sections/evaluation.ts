import { nodeRuntime } from '../../src/runtime/index.ts';
import { openSession } from '../../src/train/index.ts';
import { type BenchNetwork, inputOf, picturesOf } from '../networks/index.ts';
import { alternating, means, table, type TimeRow } from '../ratios.ts';
import type { Context, Section } from '../section.ts';
import { median } from '../statistics.ts';

/** Forward passes of each run. */
const STEPS = 10;

/** The forward pass with constant weights, compared with PyTorch in eval and inference mode. */
export const evaluation: Section<TimeRow> = {
  name: 'evaluation',
  run: (context) => table(context, (network, threads) => measure(context, network, threads)),
  summary: (rows) => ({ means: means(rows) }),
};

async function measure(context: Context, network: BenchNetwork, threads: number): Promise<TimeRow> {
  const { torch } = context;
  const { name, batch, logits } = network;
  const runtime = await nodeRuntime({ threads });
  const { graph } = network.build();
  const input = inputOf(graph);
  const session = await openSession(runtime, graph, { input, outputs: [logits] });
  const feeds = { [input]: picturesOf(network) };
  const ours = async (steps: number) => {
    const times: number[] = [];
    for (let step = 0; step < steps; step += 1) {
      const start = performance.now();
      await session.run(feeds);
      times.push(performance.now() - start);
    }
    return median(times);
  };
  const theirs =
    torch &&
    (async (steps: number) => {
      const ask = { network: name, batch, threads, steps };
      return median((await torch.run<{ ms: number[] }>('evaluate', ask)).ms);
    });
  try {
    await ours(3);
    await theirs?.(3);
    const times = await alternating(context, () => ours(STEPS), theirs && (() => theirs(STEPS)));
    return { network: name, batch, threads, ...times };
  } finally {
    await session.dispose();
  }
}
