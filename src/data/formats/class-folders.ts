import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import { filesSource, isLitter, type LabeledFile } from './files.ts';
import type { DataFormat } from './format.ts';

/**
 * A folder with a folder for each class: every image or sound in it, at any depth, is a sample of the
 * class. Files come in the order of their names. It matches every folder.
 */
export const classFolders: DataFormat = {
  name: 'class-folders',
  description: 'a folder with a folder for each class',
  content: 'samples',
  matches: (_, { isFolder }) => isFolder,
  async read(path, { name, info: { folders } }) {
    const files: LabeledFile[] = [];
    for (const label of folders) {
      for (const file of await filesUnder(join(path, label))) files.push({ path: file, label });
    }
    if (files.length > 0) return { whole: filesSource(name, files) };
    throw new DataError(
      'data/empty',
      `${path} holds no samples: it should hold a folder for each class, with images or WAV files in them${folders.length > 0 ? `; its folders (${folders.slice(0, 8).join(', ')}) are empty` : ''}`,
    );
  },
};

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory() && !isLitter(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\]__MACOSX[/\\]/.test(path))
    .sort();
}
