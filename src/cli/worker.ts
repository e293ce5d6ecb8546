import type { Command } from 'commander';
import { FinepruneError } from '../onnx/error.ts';
import type { LaneMessage, LaneTask } from './worker-pool.ts';

/** `fineprune lane`: what `runApart` begins, for nobody else. One job, told step by step. */
export function laneCommand(program: Command): void {
  program.command('lane', { hidden: true }).action(async () => {
    const send = process.send?.bind(process);
    if (!send)
      throw new FinepruneError(
        'lane/alone',
        'This is a part of "reproduce --jobs", which begins it itself',
      );
    const say = (message: LaneMessage) => process.connected && send(message);
    const stopped = new AbortController();
    // Ctrl-C reaches it too; whoever began it says so, or is gone.
    process.on('SIGINT', () => {});
    const stop = () => stopped.abort(new Error('stopped'));
    process.once('disconnect', stop);
    const task = await new Promise<LaneTask>((resolve) => {
      process.on('message', (message: LaneTask | 'stop') =>
        message === 'stop' ? stop() : resolve(message),
      );
    });
    try {
      say({ kind: 'made', made: await done(task, say, stopped.signal) });
    } catch (error) {
      say({ kind: 'failed', ...told(error) });
    }
    if (process.connected) process.disconnect();
  });
}

async function done(
  { job, ...options }: LaneTask,
  say: (message: LaneMessage) => unknown,
  signal: AbortSignal,
) {
  const { nodeRuntime } = await import('../runtime/index.ts');
  const { runJob } = await import('./reproduce-job.ts');
  return runJob(await nodeRuntime(options), job, {
    signal,
    onProgress: (stage, done, all) => say({ kind: 'progress', stage, done, all }),
    onTrained: (attack, before) => say({ kind: 'trained', attack, before }),
  });
}

/** What a person did wrong by its code, a fault by where it is. */
function told(error: unknown): { readonly code?: string | undefined; readonly message: string } {
  if (error instanceof FinepruneError) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
