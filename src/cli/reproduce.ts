import { Argument, Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ATTACKS, NO_ATTACK } from '../lab/attacks/index.ts';
import type { Job, JobHooks, TaskData } from '../lab/index.ts';
import { TASKS } from '../lab/tasks/index.ts';
import type { ExperimentPart, ExperimentRecord } from '../report/index.ts';
import { commandLine } from './command-line.ts';
import { addRunning, examples, positive, type RunningOptions, seedList } from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';
import { reproduceScanCommand } from './reproduce-scan.ts';
import { begin, type CliSession } from './session.ts';

interface ReproduceOptions extends RunningOptions {
  readonly seeds: readonly number[];
  readonly attacks?: readonly string[] | undefined;
  readonly data?: TaskData['source'] | undefined;
  readonly compare: boolean;
  readonly jobs: number;
  readonly out?: string | undefined;
  readonly quick?: boolean | undefined;
  readonly resume?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** `fineprune reproduce TASK`: the experiment of the paper. */
export function reproduceCommand(program: Command): void {
  const command = addRunning(program.command('reproduce').enablePositionalOptions())
    .description(
      'train clean and attacked networks, run every defense on each, and print the table',
    )
    .addArgument(new Argument('<task>', 'the task').choices(Object.keys(TASKS)))
    .option('--seeds <list>', 'seeds to run, for example 0,1,2', seedList, [0])
    .addOption(
      new Option(
        '--attacks <names...>',
        'networks to train (default: all networks of the task)',
      ).choices([NO_ATTACK, ...Object.keys(ATTACKS)]),
    )
    .addOption(
      new Option(
        '--data <source>',
        'real or synthetic (default: real data if they are found; see "fineprune data")',
      ).choices(['real', 'synthetic']),
    )
    .option('--no-compare', 'only fine-pruning, without the other defenses')
    .option(
      '--jobs <n>',
      'networks to process concurrently, each with its share of the threads',
      positive,
      1,
    )
    .option('--out <folder>', 'folder for all files (default: out/reproduce-TASK)')
    .option('--quick', 'use a twentieth of the data, to check that everything runs')
    .option('--resume', 'continue: skip the runs that are in reproduce.json in the folder')
    .option('--force', 'overwrite existing files')
    .action(reproduceTask);
  reproduceScanCommand(command);
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

async function reproduceTask(name: string, options: ReproduceOptions): Promise<void> {
  const { attacksOn, jobsFor, sourceFor, taskNamed, threadsPerJob } =
    await import('../lab/index.ts');
  const { experimentFromJson, experimentTable, withPart } = await import('../report/index.ts');
  const { VERSION } = await import('../version.ts');
  const { out = `out/reproduce-${name}`, seeds, jobs: concurrency, quick = false } = options;
  const { compare, resume = false } = options;
  const paths = { html: join(out, 'report.html'), json: join(out, 'reproduce.json') };
  checkFree(Object.values(paths), options.force === true || resume);
  const task = await taskNamed(name);
  const { source, note } = sourceFor(task, options.data);
  const threads = options.threads ?? (concurrency > 1 ? threadsPerJob(concurrency) : undefined);
  const session = await begin({ ...options, threads }, '', concurrency);
  const { runtime, progress } = session;
  if (note !== undefined) progress.say(note);
  let record: ExperimentRecord = {
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
    const before = experimentFromJson(await readFile(paths.json, 'utf8'));
    const same =
      before.quick === quick &&
      before.runs.every((run) => run.task === name && run.source === source);
    if (same) record = { ...record, runs: before.runs, networks: before.networks };
  }
  const all = await attacksOn(task);
  const jobs: Job[] = [];
  for (const seed of seeds) {
    const attacks = (options.attacks ?? all).filter(
      (attack) => !record.runs.some((run) => run.seed === seed && run.attack === attack),
    );
    if (attacks.length === 0) progress.say(`seed ${seed} is complete already`);
    const reuse = resume ? all : [];
    const folder = join(out, `seed-${seed}`);
    const job = { task: name, seed, source, attacks, compare, quick, reuse, folder };
    jobs.push(...jobsFor(job, concurrency));
  }
  let written = Promise.resolve();
  await processed(jobs, concurrency, session, async (part) => {
    record = withPart(record, part, all);
    // Write after every job, so that a killed run keeps it; one write at a time.
    written = written.then(() => write(record, paths));
    await written;
  });
  if (options.json) printJson({ runs: record.runs });
  else process.stdout.write(`\n${experimentTable(record)}\n${Object.values(paths).join('\n')}\n`);
}

/** Runs jobs in this process, or concurrent ones in a child process each. */
async function processed(
  jobs: readonly Job[],
  concurrency: number,
  { runtime, progress, signal }: CliSession,
  onPart: (part: ExperimentPart) => Promise<void>,
): Promise<void> {
  const { networkName, runInChild, runJobs } = await import('../lab/index.ts');
  const { reproduceJob } = await import('./reproduce-job.ts');
  const child = [process.argv[1] as string, 'worker'] as const;
  const { backend, threads } = runtime;
  try {
    await runJobs(
      jobs,
      concurrency,
      async (job, { signal, onTrained }) => {
        const { seed, attacks } = job;
        const hooks: JobHooks = {
          signal,
          onProgress: (stage, done, all) => progress.at(`seed ${seed}, ${stage}`, done, all),
          onTrained(attack, reused) {
            onTrained(attack);
            if (!reused || !attacks.includes(attack)) return;
            progress.say(`seed ${seed}, ${networkName(attack)} network: trained already`);
          },
        };
        const part =
          concurrency > 1
            ? await runInChild<ExperimentPart>(child, { job, backend, threads }, hooks)
            : await reproduceJob(runtime, job, hooks);
        await onPart(part);
      },
      signal,
    );
  } finally {
    progress.end();
  }
}

async function write(record: ExperimentRecord, paths: { html: string; json: string }) {
  const { renderExperiment } = await import('../report/index.ts');
  await put(paths.json, `${JSON.stringify(record)}\n`, true);
  await put(paths.html, await renderExperiment(record), true);
}
