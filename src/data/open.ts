import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { classesOf, readLabels, type Classes } from './classes.ts';
import type { Dataset } from './dataset.ts';
import { DataError } from './error.ts';
import { prepare, type PrepareOptions } from './prepare.ts';
import { sourceOf, type Source } from './formats/source.ts';
import { hasIdx, idxFolder } from './formats/idx-folder.ts';
import { npySource, npzSource } from './formats/arrays.ts';
import { folderSource, foldersIn } from './formats/folder.ts';
import { tableSource } from './formats/table.ts';

/** The parts that data come in; data without parts are `whole`. */
export type Part = 'whole' | 'train' | 'validation' | 'test';

export interface OpenOptions extends PrepareOptions {
  /** How many outputs the network has, where that is known. */
  readonly outputs?: number | undefined;
  /** The names of the outputs in order, or a file that has them; default: a labels.txt in the folder. */
  readonly labels?: string | readonly string[] | undefined;
  /** The names of the outputs in the model's file: they hold where the data say nothing. */
  readonly named?: readonly string[] | undefined;
  /** Data sets that are opened by a name, such as "mnist". */
  readonly sets?: NamedSets | undefined;
  /** Picks the parts to read out of those that are there; default all. */
  readonly parts?: ((there: readonly Part[]) => readonly Part[]) | undefined;
}

/** Data sets by name, loaded when they are asked for. */
export type NamedSets = Readonly<
  Record<string, () => Promise<{ readonly train: Dataset; readonly test: Dataset }>>
>;

/** Data made fit for a network. */
export interface Opened {
  readonly parts: Partial<Record<Part, Dataset>>;
  /** How names of classes were matched with outputs. */
  readonly classesBy: Classes['by'] | 'data set' | 'model';
  /** Samples left out, and why. */
  readonly bad: readonly string[];
}

type Sources = Partial<Record<Part, Source>>;

/**
 * Opens data by name (one of `sets`), by folder (a folder for each class, perhaps within
 * train, validation and test; x.npy and y.npy; MNIST's four IDX files), or by file (.npz, .npy with its
 * labels beside it, .csv, .tsv, .jsonl).
 *
 * @throws DataError whose message says what was wrong, where, and what to do
 */
export async function openData(from: string, options: OpenOptions): Promise<Opened> {
  const all = await sourcesOf(from, options.sets);
  const there = Object.entries(all) as [Part, Source][];
  const picked = options.parts?.(there.map(([part]) => part));
  const wanted = there.filter(([part]) => picked?.includes(part) ?? true);
  const { labels, outputs } = options;
  const list =
    typeof labels === 'string' ? await readLabels(labels) : (labels ?? (await labelsIn(from)));
  const found = [...new Set(Object.values(all).flatMap((source) => source.labels))];
  const [own] = Object.values(all).flatMap((source) => (source.classes ? [source.classes] : []));
  const names = list ?? own ?? options.named;
  const by = list ? undefined : own ? 'data set' : options.named && 'model';
  const classes = classesOf(found, {
    where: from,
    labels: names,
    by,
    outputs,
  });
  const parts: Partial<Record<Part, Dataset>> = {};
  const bad: string[] = [];
  const { onProgress } = options;
  const total = wanted.reduce((sum, [, source]) => sum + source.labels.length, 0);
  let before = 0;
  for (const [part, source] of wanted) {
    const made = await prepare(source, classes, {
      ...options,
      ...(onProgress && { onProgress: (done) => onProgress(before + done, total) }),
    });
    parts[part] = made.dataset;
    bad.push(...made.bad);
    before += source.labels.length;
  }
  return { parts, bad, classesBy: by ?? classes.by };
}

/**
 * All samples of a source, of the classes that it has.
 *
 * @throws DataError where one cannot be read or made to fit
 */
export async function datasetOf(source: Source, options: PrepareOptions): Promise<Dataset> {
  const classes = classesOf([...new Set(source.labels)], { where: source.name });
  return (await prepare(source, classes, options)).dataset;
}

async function labelsIn(from: string): Promise<string[] | undefined> {
  const path = join(/\.\w+$/.test(from) ? dirname(from) : from, 'labels.txt');
  return existsSync(path) ? readLabels(path) : undefined;
}

async function sourcesOf(from: string, sets: NamedSets = {}): Promise<Sources> {
  const named = Object.hasOwn(sets, from) ? sets[from] : undefined;
  if (named) return halves(await named());
  const info = await stat(from).catch((cause: Error) => {
    throw new DataError(
      'data/missing',
      `there is no data at ${from} (${cause.message}): give a folder, a .npz, .npy, .csv, .tsv or .jsonl file${Object.keys(
        sets,
      )
        .map((name) => `, "${name}"`)
        .join('')}`,
      { cause },
    );
  });
  if (!info.isDirectory()) return { whole: await fileSource(from) };
  if (hasIdx(from)) return halves(await idxFolder(from));
  const folders = await foldersIn(from);
  const parts = folders.flatMap((name): [Part, string][] => {
    const part = PARTS[name.toLowerCase()];
    return part ? [[part, name]] : [];
  });
  if (parts.length === 0 || parts.length < folders.length) {
    return { whole: await oneFolder(from, from) };
  }
  const sources: Sources = {};
  for (const [part, name] of parts) {
    if (sources[part]) {
      throw new DataError(
        'data/format',
        `${from} has more than one folder for ${part} (${parts.map(([, name]) => name).join(', ')}): keep one`,
      );
    }
    sources[part] = await oneFolder(join(from, name), `${from}/${name}`);
  }
  return sources;
}

const PARTS: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  val: 'validation',
  valid: 'validation',
  test: 'test',
  testing: 'test',
};

async function oneFolder(folder: string, name: string): Promise<Source> {
  if (existsSync(join(folder, 'x.npy'))) return fileSource(join(folder, 'x.npy'));
  return folderSource(folder, name);
}

function fileSource(path: string): Promise<Source> {
  if (/\.npz$/i.test(path)) return npzSource(path);
  if (/\.(csv|tsv|jsonl|ndjson)$/i.test(path)) return tableSource(path);
  if (/\.npy$/i.test(path)) return npySource(path, labelsBeside(path));
  throw new DataError(
    'data/format',
    `${path} is no data that can be read: give a folder, or a .npz, .npy, .csv, .tsv or .jsonl file`,
  );
}

/** x.npy has y.npy beside it, and test_x.npy has test_y.npy. */
function labelsBeside(path: string): string {
  const name = basename(path);
  const other = name.replace(/(^|[_.-])x(?=[_.-])/i, (all) =>
    all.replace('x', 'y').replace('X', 'Y'),
  );
  const beside = join(dirname(path), other);
  if (other !== name && existsSync(beside)) return beside;
  throw new DataError(
    'data/missing',
    `${path} has no labels beside it${other === name ? '' : ` (${other})`}: name samples x.npy and labels y.npy, or put both in one .npz`,
  );
}

function halves({ train, test }: { train: Dataset; test: Dataset }): Sources {
  return { train: sourceOf(train), test: sourceOf(test) };
}
