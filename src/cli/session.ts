import type { Runtime } from '../runtime/index.ts';
import type { RunningOptions } from './options.ts';
import type { Progress } from './progress.ts';

/** The context of every command that runs networks. */
export interface CliSession {
  readonly runtime: Runtime;
  readonly progress: Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/**
 * Starts a command: opens the runtime, which it names on standard error, and handles Ctrl-C.
 *
 * @param hint - shown after Ctrl-C
 * @param concurrency - how many stages run at the same time at most
 */
export async function begin(
  options: RunningOptions,
  hint = '',
  concurrency = 1,
): Promise<CliSession> {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort(new Interrupted(hint));
    // A second Ctrl-C exits at once.
    process.once('SIGINT', () => process.exit(130));
  });
  const { nodeRuntime } = await import('../runtime/index.ts');
  const { progressOn } = await import('./progress.ts');
  const runtime = await nodeRuntime({
    backend: options.backend,
    threads: options.threads,
  });
  const progress = progressOn(process.stderr, options.quiet === true, concurrency);
  const threads = runtime.threads === 1 ? '1 thread' : `${runtime.threads} threads`;
  progress.say(`ONNX Runtime ${runtime.version}, ${runtime.backend}, ${threads}`);
  return { runtime, progress, signal: controller.signal };
}

/** The command was interrupted by Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(hint: string) {
    super(`Interrupted: no file is incomplete.${hint && ` ${hint}`}`);
  }
}
