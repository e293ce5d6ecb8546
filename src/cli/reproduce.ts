import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttackName, DetectionTask, Task, TaskData } from '../lab/index.ts';
import type { ReproduceRecord } from '../report/index.ts';
import { commandLine } from './defend.ts';
import { addRunning, examples, type RunningOptions, wholeNumber } from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';
import { previewFiles } from './preview-files.ts';
import { begin } from './session.ts';
import { readNetworks, writeNetwork } from './trained-networks.ts';

interface ReproduceOptions extends RunningOptions {
  readonly seeds: readonly number[];
  readonly attacks?: readonly AttackName[];
  readonly data?: TaskData['source'];
  readonly compare: boolean;
  readonly out?: string;
  readonly quick?: boolean;
  readonly resume?: boolean;
  readonly force?: boolean;
}

/** Names of `tasks` in the lab, which is not loaded to show help. */
const TASKS = [
  'digits',
  'faces',
  'fashion-resnet',
  'fashion-densenet',
  'fashion-mobilenet',
  'signs',
  'speech',
] as const;

/** Test samples that are shown, or heard, without and with the trigger. */
const PREVIEWED = 10;

/** `fineprune reproduce TASK`: the paper's experiment, whole. */
export function reproduceCommand(program: Command): void {
  const command = addRunning(program.command('reproduce'))
    .description('clean and attacked networks against each defense: the table')
    .addArgument(new Argument('<task>', 'what to reproduce').choices(TASKS))
    .option('--seeds <list>', 'seeds to run, as 0,1,2', seedList, [0])
    .addOption(
      new Option(
        '--attacks <names...>',
        'networks to make (default: all that the task has)',
      ).choices(['none', 'baseline', 'pruning-aware']),
    )
    .addOption(
      new Option(
        '--data <source>',
        'real or synthetic (default: real where it is found; "fineprune data" lists it)',
      ).choices(['real', 'synthetic']),
    )
    .option('--no-compare', 'fine-pruning only, without pruning and fine-tuning alone')
    .option('--out <folder>', 'where everything goes (default: out/reproduce-TASK)')
    .option('--quick', 'a twentieth of the data, to see that everything runs')
    .option('--resume', 'go on: what reproduce.json in the folder has is not run again')
    .option('--force', 'overwrite files that are there already')
    .action(reproduceTask);
  examples(command, [
    'fineprune reproduce digits',
    'fineprune reproduce digits --seeds 0,1,2',
    'fineprune reproduce digits --quick --json',
    'fineprune reproduce faces --data synthetic',
    'fineprune reproduce signs --quick',
    'fineprune reproduce fashion-resnet --seeds 0,1,2 --attacks baseline --no-compare',
  ]);
}

async function reproduceTask(
  name: (typeof TASKS)[number],
  options: ReproduceOptions,
): Promise<void> {
  const { attacksOn, besideFiles, detectionTasks, reproduce, sourceFor, tasks, triggerJson } =
    await import('../lab/index.ts');
  const { renderReproduce, reproduceFromJson, reproduceTable, scenesOf, VERSION } =
    await import('../report/index.ts');
  const { out = `out/reproduce-${name}`, seeds, quick = false } = options;
  const force = options.force === true || options.resume === true;
  const paths = { html: join(out, 'report.html'), json: join(out, 'reproduce.json') };
  checkFree(Object.values(paths), force);
  const task: Task | DetectionTask = { ...tasks, ...detectionTasks }[name];
  const { source, note } = sourceFor(task, options.data);
  const { runtime, progress, signal } = await begin(options);
  if (note !== undefined) progress.say(note);
  let record: ReproduceRecord = {
    tool: {
      name: 'fineprune',
      version: VERSION,
      backend: runtime.backend,
      runtimeVersion: runtime.version,
    },
    command: commandLine(),
    quick,
    ...(task.paper && { paper: task.paper }),
    runs: [],
    networks: [],
  };
  if (options.resume === true && existsSync(paths.json)) {
    const before = reproduceFromJson(await readFile(paths.json, 'utf8'));
    const same =
      before.quick === quick &&
      before.runs.every((run) => run.task === name && run.source === source);
    if (same) record = { ...record, runs: before.runs, networks: before.networks };
  }
  for (const seed of seeds) {
    const attacks = (options.attacks ?? attacksOn(task)).filter(
      (attack) => !record.runs.some((run) => run.seed === seed && run.attack === attack),
    );
    if (attacks.length === 0) {
      progress.say(`seed ${seed} is there already`);
      continue;
    }
    const folder = join(out, `seed-${seed}`);
    await put(join(folder, 'trigger.json'), triggerJson(task), true);
    for (const beside of besideFiles(task.trigger)) {
      await put(join(folder, beside.name), beside.bytes, true);
    }
    const trainedWith = { seed, source, quick };
    const trained = options.resume === true ? await readNetworks(folder, trainedWith) : [];
    if (trained.length > 0) {
      progress.say(
        `seed ${seed}: trained already: ${trained.map(({ attack }) => attack).join(', ')}`,
      );
    }
    const made = await reproduce(runtime, task, {
      seed,
      source,
      attacks,
      compare: options.compare,
      quick,
      signal,
      onProgress: (stage, done, all) => progress.at(`seed ${seed}, ${stage}`, done, all),
      trained,
      onTrained: (network) => writeNetwork(folder, network, trainedWith),
    });
    const networks = await Promise.all(
      made.networks.map(async (network) => {
        const scenes = await scenesOf(made.outcomes[network.attack] ?? [], made.test);
        return { ...network, ...(scenes && { scenes }) };
      }),
    );
    record = structuredClone({
      ...record,
      runs: [...record.runs, ...made.runs],
      networks: [...record.networks, ...networks],
    }) as ReproduceRecord;
    // A sticker lies on objects: on a scene as a whole there is nothing to show.
    if (!('kind' in task)) {
      const { files } = await previewFiles(made.data.test, task.trigger, PREVIEWED);
      for (const [file, bytes] of files) await put(join(folder, 'preview', file), bytes, true);
    }
    // After every seed, so that what was done is not lost with what was not.
    await put(paths.json, `${JSON.stringify(record)}\n`, true);
    await put(paths.html, await renderReproduce(record), true);
  }
  if (options.json) printJson({ runs: record.runs });
  else process.stdout.write(`\n${reproduceTable(record)}\n${Object.values(paths).join('\n')}\n`);
}

function seedList(text: string): number[] {
  const seeds = text.split(',').map((part) => wholeNumber(part));
  if (new Set(seeds).size !== seeds.length) {
    throw new InvalidArgumentError('Each seed may be there once.');
  }
  return seeds;
}
