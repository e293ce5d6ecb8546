#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { FinepruneError } from '../onnx/error.ts';
import { VERSION } from '../version.ts';
import { attackCommand } from './attack.ts';
import { dataSetsCommand } from './data-sets.ts';
import { defendCommand } from './defend.ts';
import { demoCommand } from './demo.ts';
import { evaluateCommand } from './evaluate.ts';
import { inspectCommand } from './inspect.ts';
import { workerCommand } from './worker.ts';
import { examples } from './options.ts';
import { refuseRenamed } from './renamed.ts';
import { scanCommand } from './scan.ts';
import { reproduceCommand } from './reproduce.ts';
import { Interrupted } from './session.ts';

/** Exit codes: 0 done, 1 error, 2 wrong usage, 3 suspicious or not repaired, 130 interrupted. */
async function main(): Promise<void> {
  const program = new Command('fineprune')
    .description('Finds and removes backdoors in ONNX neural networks by fine-pruning.')
    .version(VERSION)
    .showHelpAfterError('(add --help for usage)')
    .exitOverride();
  demoCommand(program);
  inspectCommand(program);
  evaluateCommand(program);
  scanCommand(program);
  attackCommand(program);
  defendCommand(program);
  reproduceCommand(program);
  dataSetsCommand(program);
  workerCommand(program);
  examples(program, [
    'fineprune demo',
    'fineprune inspect model.onnx',
    'fineprune scan model.onnx --data mnist',
    'fineprune defend model.onnx --data mnist',
  ]);
  for (const command of program.commands) command.exitOverride();
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
  // Commander has printed its message already; help and version end here too.
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
  process.stderr.write(`\nThis is a fault in fineprune itself, please report it:\n${text}\n`);
  return 1;
}
