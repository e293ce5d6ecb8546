import type { Command } from 'commander';
import { join } from 'node:path';
import { commandLine } from './command-line.ts';
import { printRecord } from './defend.ts';
import { addCommon, type CommonOptions, examples } from './options.ts';
import { printJson, put } from './outputs.ts';
import { begin } from './session.ts';

interface DemoOptions extends CommonOptions {
  readonly out: string;
}

/** `fineprune demo`: the attack and the defense on digits, from start to end. */
export function demoCommand(program: Command): void {
  const command = addCommon(program.command('demo'))
    .description(
      'train a digit classifier with a backdoor, repair it, and write a report (about a minute)',
    )
    .option('--out <folder>', 'folder for models and report; its files are replaced', 'out/demo')
    .action(demo);
  examples(command, ['fineprune demo', 'fineprune demo --seed 1 --out out/demo-1 --json']);
}

async function demo(options: DemoOptions): Promise<void> {
  const { baselineAttack, digits, triggered, triggerJson } = await import('../lab/index.ts');
  const { repair, repairedFile } = await import('../defense/index.ts');
  const { encodeModel } = await import('../onnx/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  const { evaluationsOf, recordOf, reportPaths, saveReport } = await import('../report/index.ts');
  const paths = {
    model: join(options.out, 'backdoored.onnx'),
    trigger: join(options.out, 'trigger.json'),
    repaired: join(options.out, 'repaired.onnx'),
  };
  const started = performance.now();
  const { seed } = options;
  const { runtime, progress, signal } = await begin(options);

  const data = await digits.load(seed);
  const { trigger, target } = digits;
  const attack = await baselineAttack(runtime, digits, data, {
    seed,
    signal,
    onProgress: (done, all) => progress.at('train the backdoored network', done, all),
  });
  await put(paths.model, encodeModel(attack.model), true);
  await put(paths.trigger, triggerJson({ trigger, target }), true);

  // From here on as with any model: only the file and clean data are used to decide.
  const file = await readModel(paths.model);
  const test = { clean: data.test, triggered: { dataset: triggered(data.test, trigger), target } };
  const repaired = await repair(runtime, file.model, data.validation, {
    ...digits.defense,
    fullCurve: true,
    compare: true,
    scan: true,
    test,
    seed,
    signal,
    onProgress: (stage, done, all) => progress.at(stage, done, all),
  });
  const made = repairedFile(file, repaired);
  await made.save(paths.repaired, { force: true });

  const record = await recordOf(repaired, {
    command: commandLine(),
    runtime,
    input: { path: paths.model, sha256: file.sha256 },
    output: { path: paths.repaired, sha256: made.sha256 },
    source: data.source,
    seconds: (performance.now() - started) / 1000,
    train: data.train,
    settings: {
      attack: 'baseline',
      poisonRate: attack.poisonRate,
      poisoned: attack.poisoned.length,
      target: { ...target },
    },
  });
  await saveReport(options.out, record, { force: true });
  const seconds = (performance.now() - started) / 1000;
  if (options.json) {
    printJson({
      evaluations: evaluationsOf(record),
      verdict: record.verdict,
      model: record.output,
      seed,
      seconds,
    });
  } else {
    await printRecord(record, [paths.model, paths.repaired, ...reportPaths(options.out)]);
    process.stdout.write(`${seconds.toFixed(0)} s in all\n`);
  }
}
