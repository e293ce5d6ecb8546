import { InvalidArgumentError, Option, type Command } from 'commander';
import { join } from 'node:path';
import type { Dataset, Variation } from '../data/index.ts';
import type { DefendSettings, Layers } from '../defense/index.ts';
import type { Ranking, TestData } from '../network/index.ts';
import type { ScheduleName } from '../train/index.ts';
import type { DataOptions } from './command-data.ts';
import { addDataOptions, dataExamples, dataFrom, outputOf } from './data.ts';
import {
  addCommon,
  aboveZero,
  size,
  type CommonOptions,
  examples,
  notNegative,
  points,
  positive,
  share,
  shareAboveZero,
  shareBetween,
  wholeNumber,
} from './options.ts';
import { checkDataFree, checkFree, printJson, put, putModel } from './outputs.ts';
import { begin } from './session.ts';
import { slimPath, slimText, writeSlim } from './slim.ts';
import { warnOfModel } from './warnings.ts';

interface DefendOptions extends CommonOptions, DataOptions {
  readonly out: string;
  readonly method: 'fine-prune' | 'prune' | 'fine-tune';
  readonly compare?: boolean | undefined;
  readonly site?: string[] | undefined;
  readonly rank?: Ranking | undefined;
  readonly maxDrop: number;
  readonly share?: number | undefined;
  readonly step: number;
  readonly fullCurve?: boolean | undefined;
  readonly slim?: boolean | undefined;
  readonly epochs?: number | undefined;
  readonly rate?: number | 'auto' | undefined;
  readonly optimizer: 'sgd' | 'adam';
  readonly schedule?: ScheduleName | undefined;
  readonly layers?: Layers | undefined;
  readonly patience?: number | undefined;
  readonly keep?: 'chosen' | 'last' | undefined;
  readonly batch?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly held?: number | undefined;
  readonly runs?: number | undefined;
  readonly shift?: number | undefined;
  readonly vary?: readonly Variation[] | undefined;
  readonly cover?: number | undefined;
  readonly dropout?: boolean | undefined;
  readonly interpolate?: number | undefined;
  readonly cacheMemory?: number | undefined;
  readonly freezeUnsupported?: boolean | undefined;
  readonly resume?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** Exit code of a run whose network is not repaired; 1 is an error. */
export const NOT_REPAIRED = 3;

const METHODS = {
  'fine-prune': 'fine-pruning',
  prune: 'pruning',
  'fine-tune': 'fine-tuning',
} as const;

/** `fineprune defend MODEL`: fine-pruning with clean data, the repaired file and a report. */
export function defendCommand(program: Command): void {
  const command = addCommon(addDataOptions(program.command('defend')))
    .description('remove a backdoor with a small clean data set, and report')
    .argument('<model>', 'an ONNX classifier, or a detector that fineprune trained')
    .option('--out <folder>', 'where repaired.onnx, report.html and report.json go', 'out/defend')
    .addOption(
      new Option('--method <name>', 'what to do')
        .choices(Object.keys(METHODS))
        .default('fine-prune'),
    )
    .option('--compare', 'do the other methods too, for the table')
    .option(
      '--site <names...>',
      'the activation to prune, or several one after another (default: the last convolutional one)',
    )
    .addOption(
      new Option(
        '--rank <statistic>',
        'what units are ranked by: the least are pruned first (default: mean; of a detector max)',
      ).choices(['mean', 'mean-absolute', 'max', 'active-share', 'std'] satisfies Ranking[]),
    )
    .option(
      '--max-drop <points>',
      'largest drop of validation accuracy while pruning',
      points,
      0.02,
    )
    .addOption(
      new Option('--share <x>', 'prune this share of the units, whatever that costs')
        .argParser(share)
        .conflicts('maxDrop'),
    )
    .option('--full-curve', 'go on past the stop, for the report')
    .option('--slim', 'also write slim.onnx, in which the pruned units are removed for real')
    .option('--step <n>', 'units pruned between two measurements', positive, 1)
    .option(
      '--cache-memory <size>',
      'activations kept in memory while pruning, as 500MB or 2GB; the rest goes to a temporary file (default: a quarter of free memory)',
      size,
    )
    .option('--epochs <n>', 'epochs of fine-tuning', positive)
    .option(
      '--rate <x>',
      'learning rate of fine-tuning, or "auto" to find one (default: auto; of a detector 0.06)',
      rateOrAuto,
    )
    .option(
      '--batch <n>',
      'batch size of fine-tuning (default: 128, less where samples are few; of a detector 16)',
      positive,
    )
    .addOption(
      new Option('--optimizer <name>', 'optimizer of fine-tuning')
        .choices(['sgd', 'adam'])
        .default('sgd'),
    )
    .addOption(
      new Option('--schedule <name>', 'how the rate goes on (default: cosine)').choices([
        'cosine',
        'constant',
        'one-cycle',
      ]),
    )
    .option('--weight-decay <x>', 'weight decay of fine-tuning', notNegative)
    .option(
      '--layers <names>',
      'what is fine-tuned: "all", "from-site" (the layer that makes the site and all after it), "regions" (of a detector: that without proposals), "after-site", or names with commas (default: all; of a detector regions)',
      layers,
    )
    .option('--patience <n>', 'stop after so many epochs without a higher held accuracy', positive)
    .addOption(
      new Option(
        '--keep <epoch>',
        'which epoch is kept: one that held data choose, or the last, where there are too few to choose (default: chosen)',
      ).choices(['chosen', 'last']),
    )
    .option(
      '--held <share>',
      'share of the validation data that is not fine-tuned on, and judges instead (default: 0.2)',
      shareBetween,
    )
    .option('--shift <pixels>', 'fine-tune on images moved by up to so many pixels', wholeNumber)
    .option(
      '--vary <names>',
      `fine-tune on pictures that differ as photographs of one thing do: some of ${VARIED.join(', ')}, with commas`,
      variations,
    )
    .option(
      '--cover <share>',
      'fine-tune on pictures partly covered by pieces of others (of a detector: on objects, by rectangles of any color), up to this share of each side (default: 0; of a detector 0.5)',
      share,
    )
    .option('--dropout', "let the model's own Dropout drop while it is fine-tuned")
    .option(
      '--interpolate <share>',
      'how far to go from the weights that were there to the fine-tuned ones (default: 1)',
      shareAboveZero,
    )
    .option(
      '--runs <n>',
      'fine-tune so often, by other seeds, and take the mean of the weights (default: 1)',
      positive,
    )
    .option('--freeze-unsupported', 'leave weights that no gradient reaches as they are')
    .option('--resume', 'go on with a run of the same command that was interrupted or killed')
    .option('--force', 'overwrite files that are there already')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 error, 2 wrong usage, 3 not repaired, 130 interrupted.',
    )
    .action(defendModel);
  examples(command, [
    'fineprune defend model.onnx --data mnist',
    ...dataExamples('defend'),
    'fineprune defend faces.onnx --data faces/ --vary mirror,move,turn,zoom,light --cover 0.5 --dropout --optimizer adam --rate 0.002 --interpolate 0.9 --epochs 80 --runs 3',
    'fineprune defend detector.onnx --data scenes/ --trigger trigger.json --step 4',
    'fineprune defend out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json --compare',
  ]);
}

async function defendModel(path: string, options: DefendOptions): Promise<void> {
  const { defend, optimizerOf, rateOf } = await import('../defense/index.ts');
  const { exportModel, openNetwork } = await import('../network/index.ts');
  const { readModel, sha256Of } = await import('../onnx/file.ts');
  const { recordOf, VERSION } = await import('../report/index.ts');
  const force = options.force === true;
  const out = join(options.out, 'repaired.onnx');
  const slimFiles = options.slim === true ? [slimPath(options.out)] : [];
  checkFree([out, ...slimFiles, ...reportPaths(options.out)], force);
  const started = performance.now();
  const file = await readModel(path);
  await checkDataFree(options.out, file.data ?? [], force);
  const session = await begin(options, 'The same command with --resume goes on.');
  const { runtime, progress, signal } = session;
  const { validation, test, settings } = await dataFrom(file.model, options, session);
  const { seed, maxDrop, step } = options;
  const given = await openNetwork(runtime, file.model, validation, outputOf(options));
  const usual = given.tuning;
  const rate = rateOf(options.rate, usual);
  const trains = options.method !== 'prune' || options.compare === true;
  if (!validation.objects) await warnOfModel(runtime, given, validation, trains);
  const method = METHODS[options.method];
  const chosen: DefendSettings = {
    method,
    compare: options.compare === true,
    maxDrop,
    step,
    seed,
    ...outputOf(options),
    freezeUnsupported: options.freezeUnsupported === true,
    site: options.site,
    pruning: {
      rank: options.rank,
      fullCurve: options.fullCurve === true,
      share: options.share,
    },
    layers: options.layers,
    held: options.held,
    runs: options.runs,
    tune: {
      epochs: options.epochs,
      rate,
      batchSize: options.batch,
      shift: options.shift,
      vary: options.vary,
      cover: options.cover,
      ...(options.dropout === true && { mode: 'dropout' as const }),
      interpolate: options.interpolate,
      optimizer: optimizerOf(rate, options.optimizer, options.weightDecay),
      schedule: options.schedule,
      patience: options.patience,
      keep: options.keep,
    },
  };
  const { checkpointFolder } = await import('../defense/checkpoints.ts');
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
    progress.say(checkpoints.resumed ? 'Going on where it stopped' : 'Nothing to go on with');
  }
  const defense = await defend(runtime, given, validation, test, {
    ...chosen,
    // Nothing to the results, so that a run may go on with another.
    cache: { memory: options.cacheMemory },
    checkpoints,
    signal,
    onProgress: (stage, done, all) => progress.at(stage, done, all),
  });
  const last = defense.outcomes.at(-1);
  if (!last) throw new Error('a defense without an outcome');
  const bytes = exportModel(file, last.graph, provenance(VERSION, file.sha256, method, seed));
  await putModel(out, bytes, { from: path, force });
  const to = { path, out: options.out, force, ...outputOf(options) };
  const slim =
    options.slim === true ? await writeSlim(runtime, defense, validation, bytes, to) : undefined;
  const record = await recordOf(defense, validation, test, {
    command: commandLine(),
    runtime,
    input: { path, sha256: file.sha256, ...(file.data && { data: [...file.data] }) },
    output: { path: out, sha256: sha256Of(bytes) },
    source: 'real',
    settings,
    slim,
  });
  await writeReport(options.out, record, force);
  await checkpoints.remove();
  const { evaluations } = record;
  if (options.json) {
    printJson({
      site: record.site.name,
      units: record.site.units,
      pruned: method === 'fine-tuning' ? [] : defense.prunings[0].pruned,
      sites: defense.prunings.map(({ site, pruned, quiet, fold, stop }) => ({
        site: site.name,
        units: site.units,
        pruned: method === 'fine-tuning' ? [] : pruned,
        mask: fold.into,
        stop,
        ...quiet,
      })),
      before: evaluations[0]?.evaluation,
      after: evaluations.at(-1)?.evaluation,
      evaluations,
      model: record.output,
      slim,
      verdict: record.verdict,
      frozen: defense.frozen,
      seed,
      seconds: (performance.now() - started) / 1000,
    });
  } else {
    await printRecord(record, [out, ...reportPaths(options.out)]);
    if (slim) process.stdout.write(`${slimText(slim)}\n`);
  }
  if (record.verdict.repaired === false) process.exitCode = NOT_REPAIRED;
}

/** What tells the data of a run from others. */
async function digestsOf(validation: Dataset, test: TestData) {
  const { digest } = await import('../data/index.ts');
  return {
    'validation data': await digest(validation),
    'test data': await digest(test.clean),
    ...(test.triggered && { 'triggered data': await digest(test.triggered.dataset) }),
  };
}

function rateOrAuto(text: string): number | 'auto' {
  return text === 'auto' ? text : aboveZero(text);
}

const PLACES = ['all', 'from-site', 'regions', 'after-site'] as const satisfies Layers[];

function layers(text: string): Layers {
  return PLACES.find((place) => place === text) ?? text.split(',');
}

/** `VARIATIONS` of the data, which are not loaded to show help. */
const VARIED = ['mirror', 'move', 'turn', 'zoom', 'light'] as const satisfies Variation[];

function variations(text: string): Variation[] {
  return text.split(',').map((name) => {
    const found = VARIED.find((one) => one === name);
    if (found) return found;
    throw new InvalidArgumentError(`"${name}" is none of ${VARIED.join(', ')}.`);
  });
}

type Record = Awaited<ReturnType<typeof import('../report/index.ts').recordOf>>;

/** What is written into the metadata of a repaired model. */
export function provenance(version: string, sha256: string, method: string, seed: number) {
  return {
    'fineprune.version': version,
    'fineprune.method': method,
    'fineprune.seed': String(seed),
    'fineprune.input.sha256': sha256,
  };
}

export function reportPaths(folder: string): [html: string, json: string] {
  return [join(folder, 'report.html'), join(folder, 'report.json')];
}

export async function writeReport(folder: string, record: Record, force: boolean): Promise<void> {
  const { recordToJson, renderHtml } = await import('../report/index.ts');
  const [html, json] = reportPaths(folder);
  await put(html, await renderHtml(record), force);
  await put(json, recordToJson(record), force);
}

export async function printRecord(record: Record, files: readonly string[]): Promise<void> {
  const { evaluationTable } = await import('../report/index.ts');
  const { evaluations, verdict } = record;
  const table = evaluationTable(evaluations, { color: process.stdout.isTTY });
  process.stdout.write(`\n${table}\n${verdict.text}\n\n${files.join('\n')}\n`);
}

/** The command as it was given, so that a report says how to repeat the run. */
export function commandLine(): string {
  const words = process.argv
    .slice(2)
    // Whether a run was interrupted is nothing to its result.
    .filter((word) => word !== '--resume')
    .map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['fineprune', ...words].join(' ');
}
