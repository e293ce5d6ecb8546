import { join } from 'node:path';
import { DataError } from '../error.ts';
import type { DataFormat, Part, Sources } from './format.ts';

const PARTS: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  val: 'validation',
  valid: 'validation',
  test: 'test',
  testing: 'test',
};

const partOf = (folder: string): Part | undefined => PARTS[folder.toLowerCase()];

/** A folder whose folders are all parts: train, validation, test. Each is read by another format. */
export const partFolders: DataFormat = {
  name: 'part-folders',
  description: 'a folder of train, validation and test',
  content: 'parts',
  matches: (_, { folders }) =>
    folders.length > 0 && folders.every((folder) => partOf(folder) !== undefined),
  async read(path, { info: { folders }, readInside }) {
    const sources: Sources = {};
    for (const folder of folders) {
      const part = partOf(folder) as Part;
      if (sources[part]) {
        throw new DataError(
          'data/format',
          `${path} has more than one folder for ${part} (${folders.join(', ')}): keep one`,
        );
      }
      sources[part] = await readInside(join(path, folder), `${path}/${folder}`);
    }
    return sources;
  },
};
