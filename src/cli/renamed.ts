import { CommanderError } from 'commander';

/** Flags that were renamed. */
const FLAGS: Readonly<Record<string, string>> = {
  '--vary': '--augment flip,translate,rotate,scale,color',
  '--cover': '--occlusion',
  '--mixing': '--interpolate',
  '--held': '--holdout',
};

/** Values that were renamed. */
const VALUES: Readonly<Record<string, string>> = {
  '--method prune': '--method pruning',
  '--method fine-tune': '--method fine-tuning',
  '--method fine-prune': '--method fine-pruning',
};

/**
 * Refuses old names of flags and values, and shows the new ones.
 *
 * @param words - the words of the command line, without Node and the script
 * @throws CommanderError, for a usage error
 */
export function refuseRenamed(words: readonly string[]): void {
  for (const [index, word] of words.entries()) {
    const [flag = '', inline] = word.split('=', 2);
    const said = `${flag} ${inline ?? words[index + 1] ?? ''}`;
    const now = own(FLAGS, flag) ?? own(VALUES, said);
    if (now === undefined) continue;
    const old = own(FLAGS, flag) === undefined ? said : flag;
    const message = `error: ${old} is ${now} now`;
    process.stderr.write(`${message}\n(add --help for usage)\n`);
    throw new CommanderError(2, 'fineprune.renamed', message);
  }
}

const own = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
