import { DataError, type Dataset, listed } from '../../data/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { TestData } from '../evaluate.ts';

/** What somebody knows of a backdoor: triggered data, or a way to make them. It is only reported. */
export interface KnownTrigger {
  /** Triggered data with their true labels: a path like that of the clean data. */
  readonly triggered?: string | undefined;
  /**
   * What `triggered` makes the model say: a target, or in words a class, its number, 'all-to-all' or
   * 'untargeted'.
   */
  readonly target?: string | Target | undefined;
  /** Makes triggered data from the clean test data. */
  readonly addTrigger?: ((clean: Dataset) => TriggeredData | Promise<TriggeredData>) | undefined;
}

export type TriggeredData = NonNullable<TestData['triggered']>;

/**
 * Test data with triggered ones, where somebody has them.
 *
 * @param open - reads data with the classes of the clean ones
 * @throws DataError `data/target` where the options do not fit together
 */
export async function testDataOf(
  clean: Dataset,
  { triggered, target, addTrigger }: KnownTrigger,
  open: (from: string) => Promise<Dataset>,
): Promise<TestData> {
  if (triggered === undefined) {
    if (target !== undefined) {
      throw new DataError(
        'data/target',
        'target (--target) says what triggered data do: give triggered (--triggered) too',
      );
    }
    return { clean, triggered: await addTrigger?.(clean) };
  }
  if (addTrigger) {
    throw new DataError(
      'data/target',
      'triggered data (--triggered) and a trigger (--trigger) were both given: give one of them',
    );
  }
  if (target === undefined) {
    throw new DataError(
      'data/target',
      `triggered data (--triggered ${triggered}) need a target (--target): what the trigger makes the model say, a class (${listed(clean.classes)}), its number, all-to-all or untargeted`,
    );
  }
  const parsed = typeof target === 'string' ? targetFrom(target, clean.classes) : target;
  return { clean, triggered: { dataset: await open(triggered), target: parsed } };
}

/**
 * A target from words: the name of a class, its number, 'all-to-all' or 'untargeted'. A name goes before
 * a number.
 *
 * @throws DataError `data/target` where it is none of these
 */
export function targetFrom(words: string, classes: readonly string[]): Target {
  if (words === 'all-to-all') return { kind: 'all-to-all', classes: classes.length };
  if (words === 'untargeted') return { kind: 'untargeted' };
  const named = classes.indexOf(words);
  const label = named >= 0 ? named : /^\d+$/.test(words) ? Number(words) : -1;
  if (label >= 0 && label < classes.length) return { kind: 'all-to-one', label };
  throw new DataError(
    'data/target',
    `the target (--target) ${words} is no class: give one of ${listed(classes)}, its number from 0 to ${classes.length - 1}, all-to-all or untargeted`,
  );
}
