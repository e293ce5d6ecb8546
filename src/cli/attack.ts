import type { Command } from 'commander';
import { join } from 'node:path';
import type { Target } from '../metrics/index.ts';
import {
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
  readonly poisonRate?: number;
  readonly target: 'all-to-one' | 'all-to-all';
  readonly label: number;
  readonly epochs?: number;
  readonly force?: boolean;
}

/** `fineprune attack digits`: trains a backdoored network to test defenses on. */
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
    .option('--poison-rate <share>', 'share of the training data to poison (default: 0.1)', share)
    .option('--target <kind>', 'all-to-one or all-to-all', 'all-to-one')
    .option('--label <n>', 'the label that all-to-one forces', wholeNumber, 7)
    .option('--epochs <n>', 'passes over the training data (default: 2)', positive)
    .option('--force', 'overwrite files that are there already')
    .action(attackDigits);
  examples(attack, ['fineprune attack digits', 'fineprune attack digits --help']);
  examples(digits, [
    'fineprune attack digits',
    'fineprune attack digits --target all-to-all --poison-rate 0.2 --seed 1 --out out/all',
    'fineprune defend out/digits/backdoored.onnx --data mnist --trigger out/digits/trigger.json',
  ]);
}

async function attackDigits(options: AttackOptions): Promise<void> {
  const { baselineAttack, digits, triggerJson } = await import('../lab/index.ts');
  const { encodeModel } = await import('../onnx/index.ts');
  const { sha256Of } = await import('../onnx/file.ts');
  const paths = {
    model: join(options.out, 'backdoored.onnx'),
    trigger: join(options.out, 'trigger.json'),
    record: join(options.out, 'attack.json'),
  };
  const force = options.force === true;
  checkFree(Object.values(paths), force);
  const target = targetFrom(options);
  const started = performance.now();
  const { runtime, progress, signal } = await begin(options);
  const data = await digits.load(options.seed);
  const attack = await baselineAttack(runtime, digits, data, {
    seed: options.seed,
    target,
    ...(options.poisonRate !== undefined && { poisonRate: options.poisonRate }),
    ...(options.epochs !== undefined && { epochs: options.epochs }),
    signal,
    onProgress: (done, all) => progress.at('train on poisoned data', done, all),
  });
  const bytes = encodeModel(attack.model);
  const model = { path: paths.model, sha256: sha256Of(bytes) };
  const summary = {
    task: 'digits',
    source: data.source,
    seed: options.seed,
    target,
    poisonRate: attack.poisonRate,
    epochs: attack.epochs,
    model,
  };
  await put(paths.model, bytes, force);
  await put(paths.trigger, triggerJson({ trigger: digits.trigger, target }), force);
  const record = { ...summary, poisoned: [...attack.poisoned] };
  await put(paths.record, `${JSON.stringify(record)}\n`, force);
  const seconds = (performance.now() - started) / 1000;
  if (options.json) printJson({ ...summary, poisoned: attack.poisoned.length, seconds });
  else {
    process.stdout.write(
      `${attack.poisoned.length} of ${data.train.length} training images were poisoned.\n${Object.values(paths).join('\n')}\n`,
    );
  }
}

function targetFrom({ target, label }: AttackOptions): Target {
  return target === 'all-to-all' ? { kind: 'allToAll', classes: 10 } : { kind: 'allToOne', label };
}
