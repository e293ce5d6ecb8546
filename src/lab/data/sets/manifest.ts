import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLitter } from '../../../data/index.ts';

/** A group of files, and a digest of their contents. */
export interface FileGroup {
  readonly files: number;
  /** The SHA-256 of the output of sha256sum: a line per file with its SHA-256 and path, sorted by path. */
  readonly sha256: string;
}

/** All files of a data set, by group. The group of a file is its path up to the last slash or underscore. */
export type Manifest = Readonly<Record<string, FileGroup>>;

/** A group that differs from the original. */
export interface Fault {
  readonly group: string;
  /** The number of files that exist. */
  readonly files: number;
  /** The number of files in the original. */
  readonly expected: number;
}

export interface ReadingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

const CHUNK = 16;

/** Reads every file of a folder; the same files give the same manifest on every system. */
export async function manifestOf(
  folder: string,
  { signal, onProgress }: ReadingOptions = {},
): Promise<Manifest> {
  const groups = await groupsIn(folder);
  const all = [...groups.values()].reduce((sum, { length }) => sum + length, 0);
  const manifest: Record<string, FileGroup> = {};
  let done = 0;
  for (const [group, paths] of groups) {
    const lines: string[] = [];
    for (let start = 0; start < paths.length; start += CHUNK) {
      signal?.throwIfAborted();
      const some = paths.slice(start, start + CHUNK);
      lines.push(...(await Promise.all(some.map((path) => lineOf(folder, path)))));
      done += some.length;
      onProgress?.(done, all);
    }
    const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
    manifest[group] = { files: paths.length, sha256 };
  }
  return manifest;
}

async function lineOf(folder: string, path: string): Promise<string> {
  const bytes = await readFile(join(folder, path));
  return `${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`;
}

/** Groups with too few or too many files. It does not read the files. */
export async function miscounted(folder: string, manifest: Manifest): Promise<Fault[]> {
  const groups = await groupsIn(folder);
  return unlike(manifest, new Map([...groups].map(([group, { length }]) => [group, length])));
}

/** Groups whose files are not the same, to the bit, as the original ones. */
export async function damaged(
  folder: string,
  manifest: Manifest,
  options?: ReadingOptions,
): Promise<Fault[]> {
  const found = await manifestOf(folder, options);
  const groups = new Map(Object.entries(found).map(([group, { files }]) => [group, files]));
  return unlike(manifest, groups, (group) => found[group]?.sha256 === manifest[group]?.sha256);
}

function unlike(
  manifest: Manifest,
  found: ReadonlyMap<string, number>,
  same: (group: string) => boolean = () => true,
): Fault[] {
  const names = new Set([...Object.keys(manifest), ...found.keys()]);
  return [...names].sort().flatMap((group) => {
    const [files, expected] = [found.get(group) ?? 0, manifest[group]?.files ?? 0];
    return files === expected && same(group) ? [] : [{ group, files, expected }];
  });
}

/** The paths of all files, with slashes, sorted, by group. */
async function groupsIn(folder: string): Promise<Map<string, string[]>> {
  const groups = new Map<string, string[]>();
  for (const path of (await filesIn(folder, '')).sort()) {
    const group = path.slice(0, Math.max(0, path.search(/[/_][^/_]*$/)));
    groups.set(group, [...(groups.get(group) ?? []), path]);
  }
  return groups;
}

async function filesIn(folder: string, inside: string): Promise<string[]> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (isLitter(entry.name)) return [];
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      return entry.isDirectory() ? filesIn(folder, path) : [path];
    }),
  );
  return found.flat();
}
