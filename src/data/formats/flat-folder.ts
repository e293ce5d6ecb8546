import { join } from 'node:path';
import { filesSource, isLitter, isSampleFile } from './files.ts';
import type { DataFormat } from './format.ts';

/** A folder of images or sounds without labels, and without folders in it. */
export const flatFolder: DataFormat = {
  name: 'flat-folder',
  description: 'a folder of images or WAV files without labels',
  content: 'samples',
  matches: (_, { isFolder, entries, folders }) =>
    isFolder && folders.length === 0 && entries.some(isSampleFile),
  async read(path, { name, info: { entries } }) {
    const files = entries
      .filter((entry) => isSampleFile(entry) && !isLitter(entry))
      .map((entry) => ({ path: join(path, entry), label: '' }));
    return { whole: { ...filesSource(name, files), unlabeled: true } };
  },
};
