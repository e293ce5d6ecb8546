import { networks } from './networks/index.ts';
import { ready } from './sections/training.ts';

/** Trains a network for some steps in a separate process, and prints its peak memory in MiB. */
const [name, threads = '1', steps = '5'] = process.argv.slice(2);
const network = networks.find((network) => network.name === name);
if (!network) throw new Error(`no network "${name}"`);
const { train, step } = await ready(network, Number(threads));
await train(Number(steps));
await step.dispose();
console.log(process.resourceUsage().maxRSS / 1024);
