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

/** `fineprune attack digits` and `attack preview`: networks and triggers, to test defenses on. */
export function attackCommand(program: Command): void {
  const attack = program
    .command('attack')
    .description('train a network with a backdoor, to test defenses on');
  const digits = addCommon(attack.command('digits'))
    .description('train the digit classifier of BadNets on poisoned MNIST')
    .option(
      '--out <folder>',
      'folder for backdoored.onnx, trigger.json and attack.json',
      'out/digits',
    )
    .option('--from <model>', 'a clean ONNX network to start from (default: a new network)')
    .option('--trigger <file>', 'a trigger file (default: a checkerboard in a corner)')
    .option(
      '--poison-rate <share>',
      'share of the training data that is poisoned (default: 0.1)',
      share,
    )
    .addOption(
      new Option('--target <kind>', 'the label of triggered inputs')
        .choices(Object.keys(TARGETS))
        .default('all-to-one'),
    )
    .option('--label <n>', 'the target label', wholeNumber, 7)
    .option('--source <n>', 'the source class of source-to-target (default: 0)', wholeNumber)
    .option('--clean-label', 'poison only samples of the target label, and keep all labels')
    .option('--epochs <n>', 'epochs of training (default: 2)', positive)
    .option('--pruning-aware', 'hide the backdoor from pruning behind decoys')
    .addOption(
      new Option('--lower <how>', 'how to lower the biases of decoys').choices([
        'artifact',
        'stealthy',
      ]),
    )
    .option(
      '--margin <x>',
      'distance of stealthy decoys from activation, as a share of their input range',
      aboveZero,
    )
    .option('--site <name>', 'the activation with the decoys (default: the last convolutional one)')
    .option('--share <share>', 'share of the units that are pruned before retraining', share)
    .option('--budget <n>', 'largest number of retrainings; each gives one unit back', positive)
    .option('--asked-acc <share>', 'clean accuracy that a retraining must reach', share)
    .option('--asked-asr <share>', 'attack success rate that a retraining must reach', share)
    .option('--quick', 'use a twentieth of the data, to check that everything runs')
    .option('--force', 'overwrite existing files')
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
    'fineprune attack preview --trigger hum.json --wav three.wav --out out/hum',
  ]);
}

async function attackDigits(options: AttackOptions): Promise<void> {
  const lab = await import('../lab/index.ts');
  const { encodeModel } = await import('../onnx/index.ts');
  const { readModel, sha256Of } = await import('../onnx/file.ts');
  const task = lab.digits;
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
      retrainings: aware.retrainings.map(({ pruned, evaluation }) => ({ pruned, ...evaluation })),
      reached: aware.reached,
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
        (aware.reached ? '' : 'The budget ended before the asked ACC and ASR were reached.\n')
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
