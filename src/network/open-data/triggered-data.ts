import { DataError, type Dataset, listed } from '../../data/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { TestData } from '../evaluate.ts';

/** Triggered data, or a function that makes them, if the trigger is known. They are only reported. */
export interface KnownTrigger {
  /** Triggered data with their true labels: a path like that of the clean data. */
  readonly triggered?: string | undefined;
  /**
   * The label that `triggered` causes: a target, or as text a class, its number, 'all-to-all' or
   * 'untargeted'.
   */
  readonly target?: string | Target | undefined;
  /** Makes triggered data from the clean test data. */
  readonly addTrigger?: ((clean: Dataset) => TriggeredData | Promise<TriggeredData>) | undefined;
}

export type TriggeredData = NonNullable<TestData['triggered']>;

/**
 * The test data, with triggered data if they are given.
 *
 * @param open - reads data with the classes of the clean ones
 * @throws DataError `data/target` if the options do not fit together
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
      `triggered data (--triggered ${triggered}) need a target (--target), the label that the trigger causes: a class (${listed(clean.classes)}), its number, all-to-all or untargeted`,
    );
  }
  const parsed = typeof target === 'string' ? targetFrom(target, clean.classes) : target;
  return { clean, triggered: { dataset: await open(triggered), target: parsed } };
}

/**
 * Parses a target: the name of a class, its number, 'all-to-all' or 'untargeted'. A name takes precedence
 * over a number.
 *
 * @throws DataError `data/target` if it is none of these
 */
export function targetFrom(words: string, classes: readonly string[]): Target {
  if (words === 'all-to-all') return { kind: 'all-to-all', classes: classes.length };
  if (words === 'untargeted') return { kind: 'untargeted' };
  const named = classes.indexOf(words);
  const label = named >= 0 ? named : /^\d+$/.test(words) ? Number(words) : -1;
  if (label >= 0 && label < classes.length) return { kind: 'all-to-one', label };
  throw new DataError(
    'data/target',
    `the target (--target) ${words} is not a class: give one of ${listed(classes)}, its number from 0 to ${classes.length - 1}, all-to-all or untargeted`,
  );
}
