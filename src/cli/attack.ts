import { Option, type Command } from 'commander';
import { join } from 'node:path';
import type { Target } from '../metrics/index.ts';
import { previewCommand } from './attack-preview.ts';
import {
  aboveZero,
  addCommon,
  type CommonOptions,
  examples,
  positive,
  share,
  wholeNumber,
} from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';
import { begin } from './session.ts';

interface AttackOptions extends CommonOptions {
  readonly out: string;
  readonly from?: string | undefined;
  readonly trigger?: string | undefined;
  readonly poisonRate?: number | undefined;
  readonly target?: keyof typeof TARGETS | undefined;
  readonly label: number;
  readonly source?: number | undefined;
  readonly cleanLabel?: boolean | undefined;
  readonly epochs?: number | undefined;
  readonly pruningAware?: boolean | undefined;
  readonly lower?: 'artifact' | 'stealthy' | undefined;
  readonly margin?: number | undefined;
  readonly site?: string | undefined;
  readonly share?: number | undefined;
  readonly budget?: number | undefined;
  readonly askedAcc?: number | undefined;
  readonly askedAsr?: number | undefined;
  readonly quick?: boolean | undefined;
  readonly force?: boolean | undefined;
}

const TARGETS = {
  'all-to-one': ({ label }: AttackOptions): Target => ({ kind: 'all-to-one', label }),
  'all-to-all': (_: AttackOptions, classes: number): Target => ({ kind: 'all-to-all', classes }),
  'source-to-target': ({ source = 0, label }: AttackOptions): Target => ({
    kind: 'source-to-target',
    source,
    target: label,
  }),
  untargeted: (): Target => ({ kind: 'untargeted' }),
};

/** `fineprune attack digits` and `attack preview`: networks and triggers to test defenses on. */
export function attackCommand(program: Command): void {
  const attack = program
    .command('attack')
    .description('train a backdoored network of our own, to test defenses on');
  const digits = addCommon(attack.command('digits'))
    .description('poison MNIST, train the BadNets digit classifier on it')
    .option(
      '--out <folder>',
      'where backdoored.onnx, trigger.json and attack.json go',
      'out/digits',
    )
    .option('--from <model>', 'train on from a clean ONNX network (default: from scratch)')
    .option('--trigger <file>', 'a trigger file to use (default: a checkerboard in a corner)')
    .option('--poison-rate <share>', 'share of the training data to poison (default: 0.1)', share)
    .addOption(
      new Option('--target <kind>', 'what triggered inputs are to be called')
        .choices(Object.keys(TARGETS))
        .default('all-to-one'),
    )
    .option('--label <n>', 'the label that is forced', wholeNumber, 7)
    .option('--source <n>', 'the class that source-to-target attacks (default: 0)', wholeNumber)
    .option('--clean-label', 'poison samples of the forced label only, and keep all labels')
    .option('--epochs <n>', 'passes over the training data (default: 2)', positive)
    .option('--pruning-aware', 'hide the backdoor from pruning, behind decoys')
    .addOption(
      new Option('--lower <how>', 'how the biases of decoys are lowered').choices([
        'artifact',
        'stealthy',
      ]),
    )
    .option('--margin <x>', 'room below zero that stealthy decoys get', aboveZero)
    .option('--site <name>', 'the activation with the decoys (default: the last convolutional)')
    .option('--share <share>', 'share of the units to prune before retraining', share)
    .option('--budget <n>', 'how many retrainings, each with one unit given back', positive)
    .option('--asked-acc <share>', 'clean accuracy that retraining must reach', share)
    .option('--asked-asr <share>', 'attack success that retraining must reach', share)
    .option('--quick', 'a twentieth of the data, to see that everything runs')
    .option('--force', 'overwrite files that are there already')
    .action(attackDigits);
  const preview = previewCommand(attack);
  examples(attack, [
    'fineprune attack digits',
    'fineprune attack digits --help',
    'fineprune attack preview --trigger out/digits/trigger.json --data mnist',
  ]);
  examples(digits, [
    'fineprune attack digits',
    'fineprune attack digits --target all-to-all --poison-rate 0.2 --seed 1 --out out/all',
    'fineprune attack digits --pruning-aware --lower stealthy --out out/aware',
    'fineprune defend out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json',
  ]);
  examples(preview, [
    'fineprune attack preview --trigger out/digits/trigger.json --data mnist',
    'fineprune attack preview --trigger hum.json --wav three.wav --out out/heard',
  ]);
}

async function attackDigits(options: AttackOptions): Promise<void> {
  const lab = await import('../lab/index.ts');
  const { encodeModel } = await import('../onnx/index.ts');
  const { readModel, sha256Of } = await import('../onnx/file.ts');
  const task = lab.tasks.digits;
  const paths = {
    model: join(options.out, 'backdoored.onnx'),
    trigger: join(options.out, 'trigger.json'),
    record: join(options.out, 'attack.json'),
  };
  const force = options.force === true;
  checkFree(Object.values(paths), force);
  const from = options.from === undefined ? undefined : (await readModel(options.from)).model;
  const trigger =
    options.trigger === undefined ? task.trigger : (await lab.readTrigger(options.trigger)).trigger;
  const started = performance.now();
  const { runtime, progress, signal } = await begin(options);
  const loaded = await task.load(options.seed);
  const data = options.quick === true ? lab.fewerOf(loaded, options.seed) : loaded;
  const { seed, epochs, poisonRate } = options;
  const target = TARGETS[options.target ?? 'all-to-one'](options, data.train.classes.length);
  let stage = 'train on poisoned data';
  const settings = {
    seed,
    target,
    trigger,
    cleanLabel: options.cleanLabel === true,
    poisonRate,
    epochs,
    signal,
    onProgress: (done: number, all: number) => progress.at(stage, done, all),
  };
  const aware =
    options.pruningAware === true
      ? await lab.pruningAwareAttack(runtime, task, data, {
          ...settings,
          ...awareSettings(options, task.pruningAware.asked),
          clean: from,
          onStage: (name) => (stage = name),
        })
      : undefined;
  const attack = aware ?? (await lab.baselineAttack(runtime, task, data, { ...settings, from }));
  const bytes = encodeModel(attack.model);
  const summary = {
    task: task.name,
    source: data.source,
    attack: aware ? 'pruning-aware' : 'baseline',
    seed,
    target,
    poisonRate: attack.poisonRate,
    cleanLabel: settings.cleanLabel,
    from: options.from,
    epochs: attack.epochs,
    ...(aware && {
      site: aware.site.name,
      units: aware.site.units,
      lower: aware.lower,
      decoys: aware.decoys,
      tries: aware.tries.map(({ pruned, evaluation }) => ({ pruned, ...evaluation })),
      met: aware.met,
      difference: aware.difference,
    }),
    model: { path: paths.model, sha256: sha256Of(bytes) },
  };
  await put(paths.model, bytes, force);
  for (const { name, bytes } of lab.attachedFiles(trigger)) {
    await put(join(options.out, name), bytes, force);
  }
  await put(paths.trigger, lab.triggerJson({ trigger, target }), force);
  const record = { ...summary, poisoned: [...attack.poisoned] };
  await put(paths.record, `${JSON.stringify(record)}\n`, force);
  const seconds = (performance.now() - started) / 1000;
  if (options.json) printJson({ ...summary, poisoned: attack.poisoned.length, seconds });
  else {
    const decoys = aware
      ? `${aware.decoys.length} of the ${aware.site.units} units of ${aware.site.name} are decoys.\n` +
        (aware.met ? '' : 'The budget ended before what was asked for was reached.\n')
      : '';
    process.stdout.write(
      `${attack.poisoned.length} of ${data.train.length} training images were poisoned.\n${decoys}${Object.values(paths).join('\n')}\n`,
    );
  }
}

function awareSettings(options: AttackOptions, asked: { acc: number; asr: number }) {
  const { lower, margin, site, budget, askedAcc, askedAsr } = options;
  return {
    lower,
    margin,
    site,
    share: options.share,
    budget,
    asked: { acc: askedAcc ?? asked.acc, asr: askedAsr ?? asked.asr },
  };
}
