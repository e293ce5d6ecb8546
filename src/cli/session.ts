import type { Runtime } from '../runtime/index.ts';
import type { RunningOptions } from './options.ts';
import type { Progress } from './progress.ts';

/** What every command that runs networks has at hand. */
export interface CliSession {
  readonly runtime: Runtime;
  readonly progress: Progress;
  /** Aborted by Ctrl-C: nothing half-written is left. */
  readonly signal: AbortSignal;
}

/**
 * Sets a command up; says on standard error which backend runs.
 *
 * @param hint - what to say to one who presses Ctrl-C
 * @param side - how many things run side by side, to show how far each is
 */
export async function begin(options: RunningOptions, hint = '', side = 1): Promise<CliSession> {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort(new Interrupted(hint));
    // Someone who presses Ctrl-C twice wants out now.
    process.once('SIGINT', () => process.exit(130));
  });
  const { nodeRuntime } = await import('../runtime/index.ts');
  const { progressOn } = await import('./progress.ts');
  const runtime = await nodeRuntime({
    backend: options.backend,
    threads: options.threads,
  });
  const progress = progressOn(process.stderr, options.quiet === true, side);
  const threads = runtime.threads === 1 ? '1 thread' : `${runtime.threads} threads`;
  progress.say(`ONNX Runtime ${runtime.version}, ${runtime.backend}, ${threads}`);
  return { runtime, progress, signal: controller.signal };
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(hint: string) {
    super(`Interrupted: nothing was left half-written.${hint && ` ${hint}`}`);
  }
}
