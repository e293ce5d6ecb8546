import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { FinepruneError } from '../../onnx/error.ts';
import type { Job, JobHooks } from './job.ts';

/** The work of a child process. */
export interface WorkerTask {
  readonly job: Job;
  readonly backend: 'native' | 'wasm';
  readonly threads: number;
}

/** A message of a child process. `R` is its result, plain data. */
export type WorkerMessage<R> =
  | {
      readonly kind: 'progress';
      readonly stage: string;
      readonly done: number;
      readonly all: number;
    }
  | { readonly kind: 'trained'; readonly attack: string; readonly reused: boolean }
  | { readonly kind: 'result'; readonly result: R }
  | { readonly kind: 'error'; readonly code?: string | undefined; readonly message: string };

/** Threads of ONNX Runtime for each of several concurrent jobs. */
export function threadsPerJob(jobs: number): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / jobs)));
}

/**
 * Runs a job in a child process: a run of ONNX Runtime blocks the process that it is in. The child calls
 * `serveWorker`.
 *
 * @param entry - the script of the child, and its arguments
 * @throws FinepruneError of the job; `worker/exit` where the process ended without a result; the reason
 *   of the signal when it aborts
 */
export function runInChild<R>(
  [script, ...args]: readonly [string, ...string[]],
  task: WorkerTask,
  { signal, onProgress, onTrained }: JobHooks,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const child = fork(script, args, { serialization: 'advanced' });
    // The child stops by itself between two steps: it may be writing a file.
    const stop = () => child.connected && child.send('stop');
    signal?.addEventListener('abort', stop, { once: true });
    let last: WorkerMessage<R> | undefined;
    child.on('message', (message: WorkerMessage<R>) => {
      if (message.kind === 'progress') onProgress?.(message.stage, message.done, message.all);
      else if (message.kind === 'trained') onTrained?.(message.attack, message.reused);
      else last = message;
    });
    child.once('error', reject);
    child.once('exit', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      if (last?.kind === 'result') resolve(last.result);
      else if (signal?.aborted === true) reject(signal.reason as Error);
      else if (last?.kind === 'error') reject(errorOf(last));
      else {
        reject(
          new FinepruneError(
            'worker/exit',
            `The process of seed ${task.job.seed} ended (${killedBy ?? code}) without a result. It may have run out of memory: go on with --resume and fewer --jobs`,
          ),
        );
      }
    });
    child.send(task);
  });
}

function errorOf({ code, message }: { readonly code?: string | undefined; message: string }) {
  return code === undefined ? new Error(message) : new FinepruneError(code, message);
}

/**
 * The side of the child: receives one task, runs it, and sends its messages.
 *
 * @throws FinepruneError `worker/alone` where the process was not started by `runInChild`
 */
export async function serveWorker<R>(
  run: (task: WorkerTask, hooks: Required<JobHooks>) => Promise<R>,
): Promise<void> {
  const toParent = process.send?.bind(process);
  if (!toParent) {
    throw new FinepruneError(
      'worker/alone',
      'This command is a part of "reproduce --jobs", which starts it',
    );
  }
  const send = (message: WorkerMessage<R>) => process.connected && toParent(message);
  const stopped = new AbortController();
  const stop = () => stopped.abort(new Error('stopped'));
  // Ctrl-C reaches the child too, but the parent tells it to stop, or disconnects.
  process.on('SIGINT', () => {});
  process.once('disconnect', stop);
  const task = await new Promise<WorkerTask>((resolve) => {
    process.on('message', (message: WorkerTask | 'stop') =>
      message === 'stop' ? stop() : resolve(message),
    );
  });
  try {
    const result = await run(task, {
      signal: stopped.signal,
      onProgress: (stage, done, all) => send({ kind: 'progress', stage, done, all }),
      onTrained: (attack, reused) => send({ kind: 'trained', attack, reused }),
    });
    send({ kind: 'result', result });
  } catch (error) {
    send({ kind: 'error', ...describe(error) });
  }
  if (process.connected) process.disconnect();
}

/** A user's error by its code, a bug by its stack. */
function describe(error: unknown): {
  readonly code?: string | undefined;
  readonly message: string;
} {
  if (error instanceof FinepruneError) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
