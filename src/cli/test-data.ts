import type { Dataset } from '../data/index.ts';
import type { TestData } from '../network/index.ts';
import type { Target } from '../metrics/index.ts';

/** What a person knows of a backdoor. */
export interface TriggerOptions {
  readonly trigger?: string | undefined;
  readonly triggered?: string | undefined;
  readonly target?: string | undefined;
}

/**
 * Test data, with triggered ones where a person has them: read from a folder, or a copy of the clean
 * ones with the trigger of a trigger file stamped on their pictures.
 *
 * @param open - reads data with the classes of the clean ones
 * @throws DataError `data/target`, TriggerError
 */
export async function testDataFrom(
  clean: Dataset,
  { trigger: file, triggered: from, target: said }: TriggerOptions,
  open: (from: string) => Promise<Dataset>,
): Promise<TestData> {
  const { DataError } = await import('../data/index.ts');
  if (from !== undefined) {
    if (file !== undefined) {
      throw new DataError(
        'data/target',
        'both --triggered and --trigger were given: triggered data are either read or made',
      );
    }
    if (said === undefined) {
      throw new DataError(
        'data/target',
        `--triggered ${from} needs --target: what the trigger makes the model say, a class (${clean.classes.slice(0, 12).join(', ')}), its number, all-to-all or untargeted`,
      );
    }
    const target = await targetFrom(said, clean.classes);
    return { clean, triggered: { dataset: await open(from), target } };
  }
  if (said !== undefined) {
    throw new DataError('data/target', '--target says what --triggered data do: give both');
  }
  if (file === undefined) return { clean };
  // Only who has a trigger loads the lab.
  const { checkTarget, readTrigger, triggered } = await import('../lab/index.ts');
  const { trigger, target } = await readTrigger(file);
  // A label that no class has is never predicted: every attack would seem to fail.
  checkTarget(clean, target);
  return { clean, triggered: { dataset: triggered(clean, trigger), target } };
}

/** A target out of what a person says: the name of a class before its number. */
export async function targetFrom(said: string, classes: readonly string[]): Promise<Target> {
  if (said === 'all-to-all') return { kind: 'all-to-all', classes: classes.length };
  if (said === 'untargeted') return { kind: 'untargeted' };
  const named = classes.indexOf(said);
  const label = named >= 0 ? named : /^\d+$/.test(said) ? Number(said) : -1;
  if (label >= 0 && label < classes.length) return { kind: 'all-to-one', label };
  const { DataError } = await import('../data/index.ts');
  throw new DataError(
    'data/target',
    `--target ${said} is no class: give one of ${classes.slice(0, 12).join(', ')}, its number from 0 to ${classes.length - 1}, all-to-all or untargeted`,
  );
}
