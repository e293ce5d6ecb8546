import { cpus } from 'node:os';
import type { Torch } from './torch.ts';

/**
 * Measures the share of the machine that other processes use during a measurement, 0 to 1. Results from a
 * busy machine record it. Threads that wait for each other, as in PyTorch, suffer most.
 */
export function watchOthers(torch?: Torch): () => number {
  const [used, mine, theirs] = [machine(), own(), torch?.cpuMs() ?? 0];
  return () => {
    const now = machine();
    const ours = own() - mine + (torch?.cpuMs() ?? 0) - theirs;
    return Math.max(0, (now.busy - used.busy - ours) / Math.max(1, now.all - used.all));
  };
}

const own = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b, 0) / 1000;

/** CPU time of all cores since the machine started, in milliseconds. */
function machine(): { busy: number; all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((a, b) => a + b, 0);
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}
