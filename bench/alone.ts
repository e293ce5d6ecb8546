import { nodeRuntime } from '../src/runtime/index.ts';
import { openSession } from '../src/train/index.ts';
import { exchange } from './exchange.ts';
import { type BenchNetwork, inputOf, networks, picturesOf } from './networks/index.ts';
import { CURVE, prepared } from './sections/curve.ts';
import { ours, SIZES } from './sections/defend.ts';
import { defendLarge } from './sections/large.ts';

/** Runs one task with a network in a separate process, and prints its peak memory in MiB. */
const [what, name, threads = '1'] = process.argv.slice(2);
const runtime = await nodeRuntime({ threads: Number(threads) });

function chosen(): BenchNetwork {
  const network = networks.find((network) => network.name === name);
  if (!network) throw new Error(`no network "${name}"`);
  return network;
}

const tasks: Readonly<Record<string, () => Promise<void>>> = {
  async evaluate() {
    const network = chosen();
    const outputs = [network.logits];
    const { graph } = network.build();
    const input = inputOf(graph);
    const session = await openSession(runtime, graph, { input, outputs });
    for (let pass = 0; pass < 10; pass += 1) await session.run({ [input]: picturesOf(network) });
    await session.dispose();
  },
  async curve() {
    const { shared, dataset, along } = await prepared(runtime, chosen(), CURVE.images);
    await along(dataset);
    shared.remove();
  },
  async defend() {
    const network = chosen();
    const all = SIZES.tune + SIZES.holdout + SIZES.test;
    const shared = exchange(network.build(), all, network.classes);
    await ours(network, shared, Number(threads), 0.001);
    shared.remove();
  },
  large: () => defendLarge(Number(threads)),
};

const task = tasks[what ?? ''];
if (!task) throw new Error(`"${what}" is none of ${Object.keys(tasks).join(', ')}`);
await task();
console.log(process.resourceUsage().maxRSS / 1024);
