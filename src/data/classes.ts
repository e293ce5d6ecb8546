import { readFile } from 'node:fs/promises';
import { DataError } from './error.ts';

/** The classes of a network, and how names in the data map to them. */
export interface Classes {
  /** The name of each output. */
  readonly classes: readonly string[];
  /** How the names were matched, for reports. */
  readonly by: 'labels file' | 'number' | 'sorted name';
  /** @throws DataError `data/label` for a name that is not a class */
  readonly indexOf: (name: string) => number;
}

export interface ClassOptions {
  /** The names of the outputs, in order: the lines of a labels.txt. */
  readonly labels?: readonly string[] | undefined;
  /** Where these names come from, for messages; default 'labels file'. */
  readonly by?: string | undefined;
  /** How many outputs the network has, if known. */
  readonly outputs?: number | undefined;
  /** The name of the data, for messages. */
  readonly where: string;
}

const NUMBER = /^\d+$/;

/**
 * Matches class names with the outputs of a network: by a list of names, else by number if all names are
 * numbers, else in sorted order (by code points, like Python).
 *
 * @param found - the class names in the data, each once
 * @throws DataError `data/classes` if they do not fit the outputs
 */
export function classesOf(found: readonly string[], options: ClassOptions): Classes {
  const { labels, outputs, where } = options;
  if (labels) return byList(found, labels, options);
  if (found.length === 0) return byOutputs(outputs, where);
  const sorted = [...found].sort(byCodePoint);
  if (found.every((name) => NUMBER.test(name))) {
    const numbers = sorted.map(Number).sort((a, b) => a - b);
    const most = numbers.at(-1) as number;
    const count = outputs ?? most + 1;
    if (most >= count) {
      const hint = numbers[0] === 1 && most === count ? ' Do the numbers begin at 0?' : '';
      throw new DataError(
        'data/classes',
        `${where} has classes numbered ${numbers[0]} to ${most}, but the model has ${outputs} outputs, 0 to ${count - 1}.${hint} Name the outputs in a labels.txt, one per line`,
      );
    }
    const classes = Array.from({ length: count }, (_, i) => String(i));
    return { classes, by: 'number', indexOf: indexIn(classes, where, Number) };
  }
  if (outputs !== undefined && outputs !== sorted.length) {
    throw new DataError(
      'data/classes',
      `${where} has ${sorted.length} classes (${listed(sorted)}), but the model has ${outputs} outputs: name the outputs in a labels.txt, one per line in their order, or give a folder that has all classes`,
    );
  }
  return { classes: sorted, by: 'sorted name', indexOf: indexIn(sorted, where) };
}

/** The classes of data without labels: the outputs by their numbers. */
function byOutputs(outputs: number | undefined, where: string): Classes {
  if (outputs === undefined) {
    throw new DataError(
      'data/empty',
      `${where} has no labels, and the number of the model's outputs is not known: put the samples into a folder for each class, or name the outputs in a labels.txt`,
    );
  }
  const classes = Array.from({ length: outputs }, (_, i) => String(i));
  return { classes, by: 'number', indexOf: indexIn(classes, where, Number) };
}

function byList(
  found: readonly string[],
  labels: readonly string[],
  { outputs, where, by = 'labels file' }: ClassOptions,
): Classes {
  if (outputs !== undefined && labels.length !== outputs) {
    throw new DataError(
      'data/classes',
      `The ${by} names ${labels.length} classes (${listed(labels)}), but the model has ${outputs} outputs`,
    );
  }
  const known = new Set(labels);
  const unknown = found.filter((name) => !known.has(name));
  const areNumbers = unknown.every((name) => NUMBER.test(name) && Number(name) < labels.length);
  if (unknown.length > 0 && !(areNumbers && unknown.length === found.length)) {
    throw new DataError(
      'data/classes',
      `${where} has classes that the ${by} does not name (${listed(unknown)}); it names ${listed(labels)}`,
    );
  }
  const indexOf = indexIn(labels, where, unknown.length > 0 ? Number : undefined);
  return { classes: labels, by: 'labels file', indexOf };
}

/**
 * Reads a labels.txt: the name of each output, one per line.
 *
 * @throws DataError `data/labels`
 */
export async function readLabels(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new DataError(
      'data/labels',
      `the labels file ${path} cannot be read (${(cause as Error).message})`,
      { cause },
    );
  }
  const names = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  const blank = names.indexOf('');
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (names.length === 0 || blank >= 0 || twice >= 0) {
    const fault =
      names.length === 0
        ? 'is empty'
        : blank >= 0
          ? `has an empty line ${blank + 1}`
          : `names "${names[twice]}" twice, in lines ${names.indexOf(names[twice] as string) + 1} and ${twice + 1}`;
    throw new DataError(
      'data/labels',
      `the labels file ${path} ${fault}: it must name each output of the model once, one per line, in order`,
    );
  }
  return names;
}

function indexIn(classes: readonly string[], where: string, number?: (name: string) => number) {
  const indices = new Map(classes.map((name, index) => [name, index]));
  return (name: string): number => {
    const index = number && NUMBER.test(name) ? number(name) : indices.get(name);
    if (index !== undefined && index < classes.length) return index;
    throw new DataError('data/label', `${where}: "${name}" is not one of ${listed(classes)}`);
  };
}

const byCodePoint = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Lists names for a message, not more than about a line. */
export function listed(names: readonly string[], most = 12): string {
  const more = names.length > most ? `, and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
