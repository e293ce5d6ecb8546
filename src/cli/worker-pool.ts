import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { AttackName } from '../lab/index.ts';
import { FinepruneError } from '../onnx/error.ts';
import type { Job, JobWatch, Made } from './reproduce-job.ts';

/** What a process of its own is to do. */
export interface LaneTask {
  readonly job: Job;
  readonly backend: 'native' | 'wasm';
  readonly threads: number;
}

/** What it says. */
export type LaneMessage =
  | {
      readonly kind: 'progress';
      readonly stage: string;
      readonly done: number;
      readonly all: number;
    }
  | { readonly kind: 'trained'; readonly attack: AttackName; readonly before: boolean }
  | { readonly kind: 'made'; readonly made: Made }
  | { readonly kind: 'failed'; readonly code?: string | undefined; readonly message: string };

/** Threads of ONNX Runtime for each of several jobs that run side by side. */
export function threadsEach(jobs: number): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / jobs)));
}

/**
 * Runs a job in a process of its own: runs of ONNX Runtime hold up the one that they are in.
 *
 * @throws FinepruneError what the job throws; the signal's reason when it aborts
 */
export function runApart(
  task: LaneTask,
  { signal, onProgress, onTrained }: JobWatch,
): Promise<Made> {
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1] as string, ['lane'], { serialization: 'advanced' });
    // It stops by itself, between two steps: one that is killed may be writing a file.
    const stop = () => child.connected && child.send('stop');
    signal?.addEventListener('abort', stop, { once: true });
    let end: LaneMessage | undefined;
    child.on('message', (message: LaneMessage) => {
      if (message.kind === 'progress') onProgress(message.stage, message.done, message.all);
      else if (message.kind === 'trained') onTrained?.(message.attack, message.before);
      else end = message;
    });
    child.once('error', reject);
    child.once('exit', (code, by) => {
      signal?.removeEventListener('abort', stop);
      if (end?.kind === 'made') resolve(end.made);
      else if (signal?.aborted === true) reject(signal.reason as Error);
      else if (end?.kind === 'failed') reject(failed(end));
      else {
        reject(
          new FinepruneError(
            'reproduce/lost',
            `The process of seed ${task.job.seed} ended (${by ?? code}) with nothing made, as one does that is killed or has no memory left: go on with --resume, and fewer --jobs`,
          ),
        );
      }
    });
    child.send(task);
  });
}

function failed({ code, message }: LaneMessage & { readonly kind: 'failed' }): Error {
  return code === undefined ? new Error(message) : new FinepruneError(code, message);
}

/**
 * Does tasks in their order, so many at a time.
 *
 * @throws what the first of them that fails throws, once the others, which are told by the signal, have ended
 */
export async function sideBySide<T>(
  tasks: readonly T[],
  lanes: number,
  run: (task: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const left = [...tasks];
  const lane = async () => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      either.throwIfAborted();
      try {
        await run(task, either);
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }
  };
  await Promise.allSettled(Array.from({ length: lanes }, lane));
  either.throwIfAborted();
}
