import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLitter } from '../../../data/index.ts';

/** Files that belong together, and what they hold. */
export interface FileGroup {
  readonly files: number;
  /** Of one line a file, sorted by path: its own SHA-256, two spaces, its path; as sha256sum prints. */
  readonly sha256: string;
}

/** All files of a data set by groups: a path up to its last slash or underscore. */
export type Manifest = Readonly<Record<string, FileGroup>>;

/** A group that is not as it should be. */
export interface Fault {
  readonly group: string;
  /** Files that are there, and that should be. */
  readonly files: number;
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

/** Groups that have too few files or too many. Nothing is read. */
export async function miscounted(folder: string, manifest: Manifest): Promise<Fault[]> {
  const groups = await groupsIn(folder);
  return unlike(manifest, new Map([...groups].map(([group, { length }]) => [group, length])));
}

/** Groups whose files are not, to the bit, those that they should be. */
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
