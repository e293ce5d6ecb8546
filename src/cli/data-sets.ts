import { Argument, type Command } from 'commander';
import type { SetName, SetStatus } from '../lab/index.ts';
import { examples } from './options.ts';
import { printJson } from './outputs.ts';

interface DataSetsOptions {
  readonly verify?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

// Named here too, so that --help loads no library; their type holds them to what there is.
const NAMES: readonly SetName[] = ['mnist', 'fashion-mnist', 'fsdd', 'lfw-crop', 'road-signs'];

/** `fineprune data`: the data sets that tasks use, where they belong, and whether they are whole. */
export function dataSetsCommand(program: Command): void {
  const command = program
    .command('data')
    .description('the data sets of the experiments: where they belong, whether they are whole')
    .addArgument(new Argument('[sets...]', 'which (default: all)').choices(NAMES))
    .option('--verify', 'read every file, and compare it with that of the real set')
    .option('--json', 'print the result as JSON, and nothing else, on standard output')
    .option('--quiet', 'show no progress')
    .action(listDataSets);
  examples(command, [
    'fineprune data',
    'FINEPRUNE_DATA=~/data fineprune data lfw-crop --verify',
    'fineprune data --json',
  ]);
}

async function listDataSets(names: readonly SetName[], options: DataSetsOptions): Promise<void> {
  const { statusOf } = await import('../lab/index.ts');
  const { progressOn } = await import('./progress.ts');
  const progress = progressOn(process.stderr, options.quiet === true);
  const statuses: SetStatus[] = [];
  for (const name of names.length > 0 ? names : NAMES) {
    statuses.push(
      await statusOf(name, options.verify === true, {
        onProgress: (done, all) => progress.at(`read ${name}`, done, all),
      }),
    );
  }
  progress.end();
  if (options.json) {
    printJson({ sets: statuses.map(({ set, ...status }) => ({ ...set, ...status })) });
  } else process.stdout.write(`${statuses.map(text).join('\n')}\n`);
  // A script that asks whether data are whole wants to be told.
  if (statuses.some(({ state }) => state === 'differs')) process.exitCode = 1;
}

const FAULTS = 10;

function text({ set, folder, state, compared, files, faults }: SetStatus): string {
  const how = compared === 'contents' ? 'every file compared' : 'files counted';
  const found = {
    missing: `missing: it belongs at ${folder}`,
    differs: `not as it should be (${how}): ${folder}`,
    whole: `whole (${files.toLocaleString('en')} files, ${how}): ${folder}`,
  }[state];
  const wrong = faults
    .slice(0, FAULTS)
    .map(({ group, files, expected }) =>
      files === expected
        ? `    ${group}*: not what the real files hold`
        : `    ${group}*: ${files} files where there should be ${expected}`,
    );
  const more = faults.length > FAULTS ? [`    and ${faults.length - FAULTS} more`] : [];
  return [
    `${set.name}  ${found}`,
    ...wrong,
    ...more,
    `  ${set.about}`,
    `  license: ${set.license}`,
    `  from ${set.source}: ${set.get}`,
    '',
  ].join('\n');
}
