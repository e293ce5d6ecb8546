import type { Command } from 'commander';
import { addCleanDataOptions, cleanDataExamples, dataFrom, type DataOptions } from './data.ts';
import { FinepruneError } from '../onnx/error.ts';
import type { ScanFindings } from '../report/index.ts';
import { commandLine } from './command-line.ts';
import { addCommon, type CommonOptions, duration, examples, positive } from './options.ts';
import { checkFree, printJson } from './outputs.ts';
import { begin } from './session.ts';

interface ScanOptions extends CommonOptions, DataOptions {
  readonly out: string;
  readonly classes?: readonly string[] | undefined;
  readonly steps?: number | undefined;
  readonly time?: number | undefined;
  readonly force?: boolean | undefined;
}

/** Exit code if a scan finds something; 1 is an error. */
export const SUSPICIOUS = 3;

/** `fineprune scan MODEL`: whether it has a backdoor, and for which class. */
export function scanCommand(program: Command): void {
  const command = addCommon(addCleanDataOptions(program.command('scan')))
    .description('look for a backdoor with a few clean samples: which class, and what trigger')
    .argument('<model>', 'an ONNX classifier')
    .option('--out <folder>', 'folder for report.html, report.json, scan.sarif', 'out/scan')
    .option(
      '--classes <labels...>',
      'classes to scan, by name or number (default: all; of more than 48 the most suspect by the last layer)',
    )
    .option('--steps <n>', 'optimization steps per search (default: 200)', positive)
    .option('--time <duration>', 'time limit such as 90s or 5m, in place of --steps', duration)
    .option('--force', 'overwrite existing files')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing found, 1 error, 2 wrong usage, 3 suspicious or backdoored, 130 interrupted.',
    )
    .action(scanModel);
  examples(command, [
    'fineprune scan model.onnx --data mnist',
    ...cleanDataExamples('scan'),
    'fineprune scan model.onnx --data mnist --classes 0 3 7 --time 2m --json',
  ]);
}

async function scanModel(path: string, options: ScanOptions): Promise<void> {
  const { scanNetwork } = await import('../defense/index.ts');
  const { openNetwork } = await import('../network/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const { saveScan, scanPaths, scanRecordOf, scanText } = await import('../report/index.ts');
  const { json = false, force = false, out, seed, steps, time } = options;
  checkFree(scanPaths(out), force);
  const file = await readModel(path);
  const session = await begin(options);
  const { runtime, progress, signal } = session;
  const { validation, settings } = await dataFrom(file.model, options, session, 'validation');
  const network = await openNetwork(runtime, file.model, validation, { output: options.output });
  const found = await scanNetwork(runtime, network, validation, {
    classes: options.classes?.map((label) => classNamed(label, validation.classes)),
    steps,
    time,
    seed,
    signal,
    onProgress: (stage, done, all) => progress.at(stage, done, all),
  });
  const record = await scanRecordOf(found, {
    command: commandLine(),
    runtime,
    input: { path, sha256: file.sha256 },
    data: validation,
    settings,
  });
  await saveScan(out, record, { force });
  if (json) {
    printJson({ ...scanSummary(record), seconds: record.seconds });
  } else process.stdout.write(`\n${scanText(record)}\n${scanPaths(out).join('\n')}\n`);
  if (record.verdict !== 'nothing found') process.exitCode = SUSPICIOUS;
}

/** The findings of a scan, without images and without classes that are not suspect. */
export function scanSummary({ verdict, suspects, inputLogic, notLookedAt }: ScanFindings) {
  return {
    verdict,
    suspects: suspects.map(
      ({ mask: _mask, pattern: _pattern, examples: _examples, ...rest }) => rest,
    ),
    inputLogic,
    notLookedAt,
  };
}

/** A class by its name or its number. */
function classNamed(label: string, classes: readonly string[]): number {
  const named = classes.indexOf(label);
  const numbered = /^\d+$/.test(label) ? Number(label) : -1;
  const found = named >= 0 ? named : numbered;
  if (found >= 0 && found < classes.length) return found;
  const known = classes.slice(0, 12).join(', ') + (classes.length > 12 ? ', ...' : '');
  throw new FinepruneError('defense/scan', `There is no class "${label}": the model has ${known}`);
}
