import type { Command } from 'commander';

/** `fineprune worker`: the child process of `reproduce --jobs`. It runs one job. */
export function workerCommand(program: Command): void {
  program.command('worker', { hidden: true }).action(async () => {
    const { serveWorker } = await import('../lab/index.ts');
    await serveWorker(async ({ job, backend, threads }, hooks) => {
      const { nodeRuntime } = await import('../runtime/index.ts');
      const { reproduceJob } = await import('./reproduce-job.ts');
      return reproduceJob(await nodeRuntime({ backend, threads }), job, hooks);
    });
  });
}
