import { type Command, Option } from 'commander';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/index.ts';
import type { RepairOptions } from '../defense/index.ts';
import type { TestData } from '../network/index.ts';
import type { RunRecord } from '../report/index.ts';
import { commandLine } from './command-line.ts';
import { addDataOptions, dataExamples, dataFrom, type DataOptions } from './data.ts';
import { addDefenseFlags, DEFAULT_METHOD, METHODS, settingsFrom } from './defense-flags.ts';
import { addCommon, type CommonOptions, examples, percentagePoints, size } from './options.ts';
import { checkDataFree, checkFree, printJson } from './outputs.ts';
import { scanSummary } from './scan.ts';
import { begin } from './session.ts';
import { slimPath, slimText, writeSlim } from './slim.ts';
import { warnOfModel } from './warnings.ts';

interface DefendOptions extends CommonOptions, DataOptions {
  readonly out: string;
  readonly method: string;
  readonly compare?: true | readonly string[] | undefined;
  readonly maxDrop?: number | undefined;
  /** False with --no-scan. */
  readonly scan: boolean;
  readonly slim?: boolean | undefined;
  readonly cacheMemory?: number | undefined;
  readonly resume?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** Exit code if the network is not repaired; 1 is an error. */
export const NOT_REPAIRED = 3;

/** `fineprune defend MODEL`: fine-pruning with clean data, the repaired file and a report. */
export function defendCommand(program: Command): void {
  const command = addCommon(addDataOptions(program.command('defend')))
    .description('remove a backdoor with a small clean data set, and report')
    .argument('<model>', 'an ONNX classifier, or a detector that fineprune trained')
    .option('--out <folder>', 'folder for repaired.onnx, report.html, report.json', 'out/defend')
    .addOption(
      new Option('--method <name>', 'the defense').choices([...METHODS]).default(DEFAULT_METHOD),
    )
    .option(
      '--compare [methods...]',
      'also run other methods, for comparison (default: those related to the method)',
    )
    .option(
      '--max-drop <points>',
      'largest allowed drop of clean accuracy, in percentage points (default: 2)',
      percentagePoints,
    )
    .option('--no-scan', 'do not scan for a backdoor before and after')
    .option('--slim', 'also write slim.onnx, without the pruned units')
    .option(
      '--cache-memory <size>',
      'memory for activations while pruning, such as 500MB or 2GB; the rest goes to a temporary file (default: a quarter of free memory)',
      size,
    );
  addDefenseFlags(command)
    .option('--resume', 'continue an interrupted run of the same command')
    .option('--force', 'overwrite existing files')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 error, 2 wrong usage, 3 not repaired, 130 interrupted.',
    )
    .action(defendModel);
  examples(command, [
    'fineprune defend model.onnx --data mnist',
    ...dataExamples('defend'),
    'fineprune defend faces.onnx --data faces/ --augment flip,translate,rotate,scale,color --occlusion 0.5 --dropout --optimizer adam --rate 0.002 --interpolate 0.9 --epochs 80 --runs 3',
    'fineprune defend detector.onnx --data scenes/ --trigger trigger.json --step 4',
    'fineprune defend out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json --compare',
  ]);
}

async function defendModel(path: string, options: DefendOptions): Promise<void> {
  const { checkpointFolder, prunedUnits, repair, repairedFile } =
    await import('../defense/index.ts');
  const { openNetwork } = await import('../network/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const { evaluationsOf, recordOf, reportPaths, saveReport } = await import('../report/index.ts');
  const { VERSION } = await import('../version.ts');
  const { json = false, force = false, method, compare, maxDrop, seed } = options;
  const out = join(options.out, 'repaired.onnx');
  const slimFiles = options.slim === true ? [slimPath(options.out)] : [];
  checkFree([out, ...slimFiles, ...reportPaths(options.out)], force);
  const started = performance.now();
  const file = await readModel(path);
  await checkDataFree(options.out, file.data ?? [], force);
  const session = await begin(options, 'To continue, repeat the command with --resume.');
  const { runtime, progress, signal } = session;
  const { validation, test, settings } = await dataFrom(file.model, options, session);
  const network = await openNetwork(runtime, file.model, validation, {
    output: options.output,
  });
  await warnOfModel(runtime, network, validation);
  const chosen: RepairOptions = { method, compare, maxDrop, seed, ...settingsFrom({ ...options }) };
  const checkpoints = await checkpointFolder(
    options.out,
    {
      version: VERSION,
      runtime: `${runtime.backend} ${runtime.version}, ${runtime.threads} threads`,
      model: file.sha256,
      'model data': file.data,
      settings: chosen,
      ...(await digestsOf(validation, test)),
    },
    options.resume === true,
  );
  if (options.resume) {
    progress.say(
      checkpoints.resumed ? 'Resuming the interrupted run' : 'There is no run to resume',
    );
  }
  const repaired = await repair(runtime, network, validation, {
    ...chosen,
    test,
    scan: options.scan,
    // It does not change the result, so a run may be resumed with another value.
    cache: { memory: options.cacheMemory },
    checkpoints,
    signal,
    onProgress: (stage, done, all) => progress.at(stage, done, all),
  });
  const made = repairedFile(file, repaired);
  await mkdir(options.out, { recursive: true });
  await made.save(out, { force });
  const slim =
    options.slim === true
      ? await writeSlim(await made.slim(runtime, options.output), made.bytes, {
          out: options.out,
          force,
        })
      : undefined;
  const record = await recordOf(repaired, {
    command: commandLine(),
    runtime,
    input: { path, sha256: file.sha256, data: file.data },
    output: { path: out, sha256: made.sha256 },
    source: 'real',
    settings,
    slim,
    seconds: (performance.now() - started) / 1000,
  });
  await saveReport(options.out, record, { force });
  await checkpoints.remove();
  if (json) {
    printJson({
      method: repaired.method,
      verdict: record.verdict,
      before: record.outcomes[0]?.evaluation,
      after: record.outcomes.at(-1)?.evaluation,
      evaluations: evaluationsOf(record),
      holdout: record.holdout,
      scan: record.scan && {
        before: scanSummary(record.scan.before),
        after: record.scan.after && scanSummary(record.scan.after),
        remaining: record.scan.remaining,
      },
      notScanned: record.notScanned,
      pruned: prunedUnits(repaired),
      steps: record.outcomes.at(-1)?.steps,
      model: record.output,
      slim,
      seed,
      seconds: (performance.now() - started) / 1000,
    });
  } else {
    await printRecord(record, [out, ...reportPaths(options.out)]);
    if (slim) process.stdout.write(`${slimText(slim)}\n`);
  }
  if (record.verdict.repaired === false) process.exitCode = NOT_REPAIRED;
}

/** Digests of the data, so that a run is not resumed with other data. */
async function digestsOf(validation: Dataset, test: TestData) {
  const { digest } = await import('../data/index.ts');
  return {
    'validation data': await digest(validation),
    'test data': await digest(test.clean),
    ...(test.triggered && { 'triggered data': await digest(test.triggered.dataset) }),
  };
}

export async function printRecord(record: RunRecord, files: readonly string[]): Promise<void> {
  const { evaluationsOf, evaluationTable } = await import('../report/index.ts');
  const { verdict, notScanned, unlabeled } = record;
  const table = evaluationTable(evaluationsOf(record), { color: process.stdout.isTTY });
  const notes = [
    ...(notScanned === undefined ? [] : [`No scan: ${notScanned}`]),
    ...(unlabeled
      ? ['The data have no labels: accuracy is agreement with the network as delivered.']
      : []),
  ].map((note) => `${note}\n`);
  process.stdout.write(`\n${table}\n${verdict.text}\n${notes.join('')}\n${files.join('\n')}\n`);
}
