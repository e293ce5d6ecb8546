import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttackName, ReproduceRun, TaskData } from '../lab/index.ts';
import type { ReproduceRecord } from '../report/index.ts';
import { CleanFirst } from './clean-first.ts';
import { commandLine } from './defend.ts';
import { runApart, sideBySide, threadsEach } from './worker-pool.ts';
import { addRunning, examples, positive, type RunningOptions, wholeNumber } from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';
import {
  ATTACKS,
  type Job,
  type JobWatch,
  type Made,
  runJob,
  taskNamed,
  TASKS,
  type TaskName,
} from './reproduce-job.ts';
import { begin, type CliSession } from './session.ts';
import { NAMES } from './trained-networks.ts';

interface ReproduceOptions extends RunningOptions {
  readonly seeds: readonly number[];
  readonly attacks?: readonly AttackName[] | undefined;
  readonly data?: TaskData['source'] | undefined;
  readonly compare: boolean;
  readonly jobs: number;
  readonly out?: string | undefined;
  readonly quick?: boolean | undefined;
  readonly resume?: boolean | undefined;
  readonly force?: boolean | undefined;
}

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
      ).choices(ATTACKS),
    )
    .addOption(
      new Option(
        '--data <source>',
        'real or synthetic (default: real where it is found; "fineprune data" lists it)',
      ).choices(['real', 'synthetic']),
    )
    .option('--no-compare', 'fine-pruning only, without pruning and fine-tuning alone')
    .option(
      '--jobs <n>',
      'networks made and defended side by side, each with its share of the threads',
      positive,
      1,
    )
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
    'fineprune reproduce speech --seeds 0,1,2 --jobs 2',
    'fineprune reproduce fashion-resnet --seeds 0,1,2 --attacks baseline --no-compare',
  ]);
}

async function reproduceTask(name: TaskName, options: ReproduceOptions): Promise<void> {
  const { attacksOn, sourceFor } = await import('../lab/index.ts');
  const { reproduceFromJson, reproduceTable } = await import('../report/index.ts');
  const { VERSION } = await import('../version.ts');
  const { out = `out/reproduce-${name}`, seeds, jobs: lanes, quick = false } = options;
  const { compare, resume = false } = options;
  const paths = { html: join(out, 'report.html'), json: join(out, 'reproduce.json') };
  checkFree(Object.values(paths), options.force === true || resume);
  const task = await taskNamed(name);
  const { source, note } = sourceFor(task, options.data);
  const threads = options.threads ?? (lanes > 1 ? threadsEach(lanes) : undefined);
  const running = { ...options, threads };
  const session = await begin(running, '', lanes);
  const { runtime, progress } = session;
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
    paper: task.paper,
    runs: [],
    networks: [],
  };
  if (resume && existsSync(paths.json)) {
    const before = reproduceFromJson(await readFile(paths.json, 'utf8'));
    const same =
      before.quick === quick &&
      before.runs.every((run) => run.task === name && run.source === source);
    if (same) record = { ...record, runs: before.runs, networks: before.networks };
  }
  const jobs: Job[] = [];
  for (const seed of seeds) {
    const attacks = (options.attacks ?? attacksOn(task)).filter(
      (attack) => !record.runs.some((run) => run.seed === seed && run.attack === attack),
    );
    if (attacks.length === 0) progress.say(`seed ${seed} is there already`);
    const takeUp = resume ? attacksOn(task) : [];
    const folder = join(out, `seed-${seed}`);
    const job = { task: name, seed, source, attacks, compare, quick, takeUp, folder };
    jobs.push(...partsOf(job, lanes));
  }
  let written = Promise.resolve();
  await runJobs(jobs, lanes, session, async (made) => {
    record = joined(record, made);
    // After every job, so that what was done is not lost with what was not; one at a time.
    written = written.then(() => write(record, paths));
    await written;
  });
  if (options.json) printJson({ runs: record.runs });
  else process.stdout.write(`\n${reproduceTable(record)}\n${Object.values(paths).join('\n')}\n`);
}

/** One job for all networks of a seed, whose data are read once then, or one for each, to be done side by side. */
function partsOf(job: Job, lanes: number): Job[] {
  if (job.attacks.length === 0) return [];
  return lanes === 1 ? [job] : job.attacks.map((attack) => ({ ...job, attacks: [attack] }));
}

async function runJobs(
  jobs: readonly Job[],
  lanes: number,
  { runtime, progress, signal }: CliSession,
  onMade: (made: Made) => Promise<void>,
): Promise<void> {
  const { wantsClean } = await import('../lab/index.ts');
  const clean = new CleanFirst();
  const run = async (job: Job, aborting: AbortSignal) => {
    const { seed } = job;
    const task = await taskNamed(job.task);
    const watch: JobWatch = {
      signal: aborting,
      onProgress: (stage, done, all) => progress.at(`seed ${seed}, ${stage}`, done, all),
      onTrained(attack, before) {
        if (attack === 'none') clean.over(seed);
        if (!before || !job.attacks.includes(attack)) return;
        progress.say(`seed ${seed}, ${NAMES[attack]} network: trained already`);
      },
    };
    const wants = job.attacks.some((attack) => wantsClean(task, attack));
    const there = wants && (await clean.wait(seed));
    aborting.throwIfAborted();
    try {
      const { backend, threads } = runtime;
      const takeUp = there ? [...job.takeUp, 'none' as const] : job.takeUp;
      const made =
        lanes > 1
          ? await runApart({ job: { ...job, takeUp }, backend, threads }, watch)
          : await runJob(runtime, job, watch);
      await onMade(made);
    } finally {
      if (wants) clean.over(seed);
    }
  };
  try {
    await sideBySide(jobs, lanes, run, signal);
  } finally {
    progress.end();
  }
}

type Of = Pick<ReproduceRun, 'seed' | 'attack'>;

const inOrder = (a: Of, b: Of) =>
  a.seed - b.seed || ATTACKS.indexOf(a.attack) - ATTACKS.indexOf(b.attack);

/** Runs and networks by seed and attack, in whatever order they came. */
function joined(record: ReproduceRecord, made: Made): ReproduceRecord {
  return {
    ...record,
    runs: [...record.runs, ...made.runs].toSorted(inOrder),
    networks: [...record.networks, ...made.networks].toSorted(inOrder),
  };
}

async function write(record: ReproduceRecord, paths: { html: string; json: string }) {
  const { renderReproduce } = await import('../report/index.ts');
  await put(paths.json, `${JSON.stringify(record)}\n`, true);
  await put(paths.html, await renderReproduce(record), true);
}

function seedList(text: string): number[] {
  const seeds = text.split(',').map((part) => wholeNumber(part));
  if (new Set(seeds).size !== seeds.length) {
    throw new InvalidArgumentError('Each seed may be there once.');
  }
  return seeds;
}
