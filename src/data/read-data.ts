import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { classesOf, readLabels, type Classes } from './classes.ts';
import type { Dataset } from './dataset.ts';
import { DataError } from './error.ts';
import type { Part, Sources } from './formats/format.ts';
import { readSources, type SourcesOptions } from './formats/read-sources.ts';
import type { SceneSource, Source } from './formats/source.ts';
import { prepare, type PrepareOptions } from './prepare.ts';

export interface DatasetsOptions extends PrepareOptions {
  /** How many outputs the network has, if known. */
  readonly outputs?: number | undefined;
  /** The names of the outputs in order, or a file with them; default: a labels.txt beside the data. */
  readonly labels?: string | readonly string[] | undefined;
  /** The names of the outputs in the model's file; used if the data do not name them. */
  readonly modelClasses?: readonly string[] | undefined;
  /** Selects the parts to read from the existing ones; default all. */
  readonly parts?: ((there: readonly Part[]) => readonly Part[]) | undefined;
}

export interface ReadOptions extends DatasetsOptions, SourcesOptions {}

/** The parts of a data set, converted for a network. */
export interface ReadData {
  readonly parts: Partial<Record<Part, Dataset>>;
  /** How class names were matched with the outputs. */
  readonly classesBy: Classes['by'] | 'data set' | 'model';
  /** Samples that were left out, and why. */
  readonly bad: readonly string[];
}

/**
 * Reads labeled samples and converts them for a network.
 *
 * @param from - a path that one of `FORMATS` reads, or the name of one of `sets`
 * @throws DataError if the data cannot be read or do not fit the network
 */
export async function readData(from: string, options: ReadOptions): Promise<ReadData> {
  return datasetsOf(await readSources(from, options), from, options);
}

/**
 * Converts samples for a network, part by part. All parts have the same classes.
 *
 * @param from - where the sources were found
 * @throws DataError if the data cannot be read or do not fit the network
 */
export async function datasetsOf(
  sources: Sources,
  from: string,
  options: DatasetsOptions,
): Promise<ReadData> {
  const all = Object.entries(sources).map(([part, source]): [Part, Source] => [
    part as Part,
    samplesOnly(source, from),
  ]);
  const picked = options.parts?.(all.map(([part]) => part));
  const wanted = all.filter(([part]) => picked?.includes(part) ?? true);
  const { labels, modelClasses, outputs, onProgress } = options;
  const list =
    typeof labels === 'string' ? await readLabels(labels) : (labels ?? (await labelsBeside(from)));
  const labeled = all.filter(([, source]) => !source.unlabeled);
  const found = [...new Set(labeled.flatMap(([, source]) => source.labels))];
  const [own] = all.flatMap(([, source]) => (source.classes ? [source.classes] : []));
  const by = list ? undefined : own ? 'data set' : modelClasses && 'model';
  const classes = classesOf(found, {
    where: from,
    labels: list ?? own ?? modelClasses,
    by,
    outputs,
  });
  const parts: Partial<Record<Part, Dataset>> = {};
  const bad: string[] = [];
  const total = wanted.reduce((sum, [, source]) => sum + source.labels.length, 0);
  let before = 0;
  for (const [part, source] of wanted) {
    const start = before;
    const made = await prepare(source, classes, {
      ...options,
      onProgress: (done) => onProgress?.(start + done, total),
    });
    parts[part] = made.dataset;
    bad.push(...made.bad);
    before += source.labels.length;
  }
  return { parts, bad, classesBy: by ?? classes.by };
}

/**
 * All samples of a source, with the classes that occur in it.
 *
 * @throws DataError if a sample cannot be read or does not fit the network
 */
export async function datasetOf(source: Source, options: PrepareOptions): Promise<Dataset> {
  const classes = classesOf([...new Set(source.labels)], { where: source.name });
  return (await prepare(source, classes, options)).dataset;
}

function samplesOnly(source: Source | SceneSource, from: string): Source {
  if (!('objects' in source)) return source;
  throw new DataError(
    'data/format',
    `${from} has scenes, which only detectors take: give a folder with a folder for each class`,
  );
}

async function labelsBeside(from: string): Promise<string[] | undefined> {
  const path = join(/\.\w+$/.test(from) ? dirname(from) : from, 'labels.txt');
  return existsSync(path) ? readLabels(path) : undefined;
}
