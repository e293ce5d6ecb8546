import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { attackCommand } from './attack.ts';
import { dataSetsCommand } from './data-sets.ts';
import { defendCommand } from './defend.ts';
import { demoCommand } from './demo.ts';
import { evaluateCommand } from './evaluate.ts';
import { inspectCommand } from './inspect.ts';
import { examples } from './options.ts';
import { reproduceCommand } from './reproduce.ts';
import { scanCommand } from './scan.ts';
import { workerCommand } from './worker.ts';

/** The command line: every command with its flags. Building it runs nothing. */
export function commandLineProgram(): Command {
  const program = new Command('fineprune')
    .description('Finds and removes backdoors in ONNX neural networks by fine-pruning.')
    .version(VERSION)
    .showHelpAfterError('(add --help for usage)')
    // "reproduce scan" has options of the same names as "reproduce".
    .enablePositionalOptions()
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
  return program;
}
