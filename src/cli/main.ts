#!/usr/bin/env node
import { CommanderError } from 'commander';
import { FinepruneError } from '../onnx/error.ts';
import { commandLineProgram } from './program.ts';
import { refuseRenamed } from './renamed.ts';
import { Interrupted } from './session.ts';

/** Exit codes: 0 done, 1 error, 2 wrong usage, 3 suspicious or not repaired, 130 interrupted. */
async function main(): Promise<void> {
  const program = commandLineProgram();
  refuseRenamed(process.argv.slice(2));
  await program.parseAsync();
}

// Ignore EPIPE (for example when piping into `head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await main();
} catch (error) {
  process.exitCode = codeOf(error);
}

function codeOf(error: unknown): number {
  // Commander has already printed its message. Help and version end here too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interrupted) {
    process.stderr.write(`\n${error.message}\n`);
    return 130;
  }
  if (error instanceof FinepruneError) {
    process.stderr.write(`\nerror (${error.code}): ${error.message}\n`);
    return 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`\nThis is a bug in fineprune, please report it:\n${text}\n`);
  return 1;
}
