import { Argument, type Command } from 'commander';
import type { SetName, SetStatus } from '../lab/index.ts';
import { CHOICES } from './choices.ts';
import { examples } from './options.ts';
import { printJson } from './outputs.ts';

interface DataSetsOptions {
  readonly verify?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** `fineprune data`: the data sets of tasks, where they belong, and whether they are complete. */
export function dataSetsCommand(program: Command): void {
  const command = program
    .command('data')
    .description('list the data sets of the experiments: folder, license, whether complete')
    .addArgument(new Argument('[sets...]', 'which sets (default: all)').choices(CHOICES.sets))
    .option('--verify', 'read every file and compare it with the original')
    .option('--json', 'print only the result, as JSON, on standard output')
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
  for (const name of names.length > 0 ? names : CHOICES.sets) {
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
  // Scripts can check the exit code.
  if (statuses.some(({ state }) => state === 'differs')) process.exitCode = 1;
}

/** How many faults are listed. */
const FAULTS = 10;

function text({ set, folder, state, compared, files, faults }: SetStatus): string {
  const how = compared === 'contents' ? 'every file compared' : 'files counted';
  const found = {
    missing: `missing: it belongs at ${folder}`,
    differs: `not complete, or not the original (${how}): ${folder}`,
    whole: `complete (${files.toLocaleString('en')} files, ${how}): ${folder}`,
  }[state];
  const wrong = faults
    .slice(0, FAULTS)
    .map(({ group, files, expected }) =>
      files === expected
        ? `    ${group}*: contents differ from the original`
        : `    ${group}*: ${files} files, expected ${expected}`,
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
