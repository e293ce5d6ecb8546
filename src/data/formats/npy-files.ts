import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../error.ts';
import { arraysSource } from './arrays.ts';
import type { DataFormat, Sources } from './format.ts';
import { type NpyArray, parseNpy } from './npy.ts';

/** A .npy file of samples, with its labels in a second one: x.npy and y.npy, test_x.npy and test_y.npy. */
export const npyFile: DataFormat = {
  name: 'npy',
  description: 'a .npy file with its labels beside it',
  content: 'samples',
  matches: (path, { isFolder }) => !isFolder && /\.npy$/i.test(path),
  read: (path) => readPair(path),
};

/** A folder of x.npy and y.npy. */
export const npyFolder: DataFormat = {
  name: 'npy-folder',
  description: 'a folder of x.npy and y.npy',
  content: 'samples',
  matches: (_, { entries }) => entries.includes('x.npy'),
  read: (path) => readPair(join(path, 'x.npy')),
};

async function readPair(path: string): Promise<Sources> {
  const labels = labelsBeside(path);
  return { whole: arraysSource(await readArray(path), await readArray(labels), path) };
}

async function readArray(path: string): Promise<NpyArray> {
  return parseNpy(await readFile(path), path);
}

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
