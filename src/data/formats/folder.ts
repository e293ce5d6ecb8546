import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import type { Source } from './source.ts';
import { filesSource, type LabeledFile } from './files.ts';

const LITTER = /^(\.|thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/** Whether a file or folder is one that systems leave behind. */
export const isLitter = (name: string): boolean => LITTER.test(name);

/**
 * A folder with a folder for each class: whatever lies in those, at any depth, is a sample of the
 * class. Files come in the order of their names.
 *
 * @throws DataError `data/empty`
 */
export async function folderSource(folder: string, name: string): Promise<Source> {
  const classes = await foldersIn(folder);
  const files: LabeledFile[] = [];
  for (const label of classes) {
    for (const path of await filesUnder(join(folder, label))) files.push({ path, label });
  }
  if (files.length === 0) {
    throw new DataError(
      'data/empty',
      `${folder} holds no samples: it should hold a folder for each class, with images or WAV files in them${classes.length > 0 ? `; its folders (${classes.slice(0, 8).join(', ')}) are empty` : ''}`,
    );
  }
  return filesSource(name, files);
}

/** Names of the folders in a folder, sorted. */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !isLitter(entry.name))
    .map(({ name }) => name)
    .sort();
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory() && !isLitter(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\]__MACOSX[/\\]/.test(path))
    .sort();
}
