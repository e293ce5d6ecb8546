import { readFile } from 'node:fs/promises';
import { DataError } from '../error.ts';
import { arraysSource } from './arrays.ts';
import type { DataFormat } from './format.ts';
import { type NpyArray, parseNpz } from './npy.ts';

/** A NumPy archive with the arrays x and y, as numpy.savez writes it. */
export const npzFile: DataFormat = {
  name: 'npz',
  description: 'a .npz file',
  content: 'samples',
  matches: (path, { isFolder }) => !isFolder && /\.npz$/i.test(path),
  async read(path) {
    const arrays = parseNpz(await readFile(path), path);
    const pick = (names: readonly string[]): NpyArray => {
      const found = names.flatMap((name) => arrays.get(name) ?? [])[0];
      if (found) return found;
      throw new DataError(
        'data/format',
        `${path} has the arrays ${[...arrays.keys()].join(', ') || 'none'}, and none named ${names[0]}: write it with numpy.savez(file, x=samples, y=labels)`,
      );
    };
    const [x, y] = [pick(['x', 'X', 'images', 'data']), pick(['y', 'Y', 'labels'])];
    return { whole: arraysSource(x, y, path) };
  },
};
