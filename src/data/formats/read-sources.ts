import { readdir, stat } from 'node:fs/promises';
import type { Dataset } from '../dataset.ts';
import { DataError } from '../error.ts';
import { isLitter } from './files.ts';
import type { DataFormat, PathInfo, Sources } from './format.ts';
import { FORMATS } from './index.ts';
import { sourceOf } from './source.ts';

/** Data sets by name, loaded when they are asked for. */
export type NamedSets = Readonly<
  Record<string, () => Promise<{ readonly train: Dataset; readonly test: Dataset }>>
>;

export interface SourcesOptions {
  /** The formats to try, in this order; default `FORMATS`. */
  readonly formats?: readonly DataFormat[] | undefined;
  /** Data sets that are opened by a name, such as "mnist". */
  readonly sets?: NamedSets | undefined;
}

/**
 * Finds the samples of each part of a data set, without decoding them.
 *
 * @param from - a path, or the name of one of `sets`
 * @throws DataError `data/missing` where nothing is there, `data/format` where no format matches, and
 *   what the format throws
 */
export async function readSources(
  from: string,
  { formats = FORMATS, sets = {} }: SourcesOptions = {},
): Promise<Sources> {
  if (Object.hasOwn(sets, from)) {
    const { train, test } = await (sets[from] as NamedSets[string])();
    return { train: sourceOf(train), test: sourceOf(test) };
  }
  const info = await infoOf(from).catch((cause: Error) => {
    const choices = [...listOf(formats), ...Object.keys(sets).map((name) => `"${name}"`)];
    throw new DataError(
      'data/missing',
      `there is no data at ${from} (${cause.message}): give ${choices.join(', ')}`,
      { cause },
    );
  });
  return readBy(formats, from, from, info);
}

async function readBy(
  formats: readonly DataFormat[],
  path: string,
  name: string,
  info: PathInfo,
): Promise<Sources> {
  const place = formats.findIndex((format) => format.matches(path, info));
  const format = formats[place];
  if (!format) {
    throw new DataError(
      'data/format',
      `${path} is no data that can be read: give ${listOf(formats).join(', ')}`,
    );
  }
  return format.read(path, {
    name,
    info,
    async readInside(inside, its) {
      const sources = await readBy(formats.slice(place + 1), inside, its, await infoOf(inside));
      if (sources.whole) return sources.whole;
      throw new DataError('data/format', `${inside} has parts of its own: give it alone`);
    },
  });
}

const listOf = (formats: readonly DataFormat[]): string[] =>
  formats.map(({ description }) => description);

async function infoOf(path: string): Promise<PathInfo> {
  if (!(await stat(path)).isDirectory()) return { isFolder: false, entries: [], folders: [] };
  const entries = await readdir(path, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !isLitter(entry.name));
  return {
    isFolder: true,
    entries: entries.map(({ name }) => name).sort(),
    folders: folders.map(({ name }) => name).sort(),
  };
}
