import { NO_ATTACK } from '../attacks/index.ts';
import { taskNamed } from '../tasks/index.ts';
import type { Job } from './job.ts';
import { needsClean } from './networks.ts';

/**
 * Splits the work on one seed: into one job for all networks, which reads the data once; or, where jobs run
 * concurrently, into one job for each network.
 */
export function jobsFor(job: Job, concurrency: number): Job[] {
  if (job.attacks.length === 0) return [];
  return concurrency === 1 ? [job] : job.attacks.map((attack) => ({ ...job, attacks: [attack] }));
}

/** What a scheduled job must obey and report. */
export interface ScheduledHooks {
  readonly signal: AbortSignal;
  /** To be called with every network that is trained. */
  readonly onTrained: (attack: string) => void;
}

/**
 * Runs jobs in their order, some of them concurrently. Of the jobs that need the clean network of a seed,
 * one trains it, and the others wait and reuse it.
 *
 * @throws the first error of a job, once the other jobs have stopped
 */
export async function runJobs(
  jobs: readonly Job[],
  concurrency: number,
  run: (job: Job, hooks: ScheduledHooks) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const clean = new CleanNetworks();
  await runConcurrently(
    jobs,
    concurrency,
    async (job, signal) => {
      const { seed, attacks, reuse } = job;
      const needed = await needsClean(await taskNamed(job.task), attacks);
      const trained = needed && (await clean.claim(seed));
      signal.throwIfAborted();
      try {
        await run(trained ? { ...job, reuse: [...reuse, NO_ATTACK] } : job, {
          signal,
          onTrained: (attack) => {
            if (attack === NO_ATTACK) clean.release(seed);
          },
        });
      } finally {
        if (needed) clean.release(seed);
      }
    },
    signal,
  );
}

/** The clean networks of the seeds. The first job of a seed trains one, others wait for it. */
export class CleanNetworks {
  readonly #seeds = new Map<
    number,
    { readonly released: Promise<void>; readonly release: (() => void) | undefined }
  >();

  /** False, at once, for the first job of a seed; true for others, when that job has released it. */
  async claim(seed: number): Promise<boolean> {
    const found = this.#seeds.get(seed);
    if (found) {
      await found.released;
      return true;
    }
    let release: (() => void) | undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#seeds.set(seed, { released, release });
    return false;
  }

  /** The network is trained, or its training has failed. */
  release(seed: number): void {
    this.#seeds.get(seed)?.release?.();
  }
}

/**
 * Runs tasks in their order, some of them concurrently.
 *
 * @throws the first error of a task. The signal then tells the other tasks to stop, and they are awaited
 */
export async function runConcurrently<T>(
  tasks: readonly T[],
  concurrency: number,
  run: (task: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      either.throwIfAborted();
      try {
        await run(task, either);
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }
  };
  await Promise.allSettled(Array.from({ length: concurrency }, worker));
  either.throwIfAborted();
}
