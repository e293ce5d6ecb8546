import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  IMAGE_FILE,
  DataError,
  type Source,
  filesSource,
  type LabeledFile,
  foldersIn,
} from '../../data/index.ts';

/**
 * Faces from a folder for each person, as in LFW (Huang et al. 2007), with limits on the number of images
 * per person, so that classes are not too imbalanced.
 *
 * @param least - people with fewer images are left out
 * @param most - of people with more images, the first by name are taken
 * @throws DataError `data/empty` if nobody has enough images
 */
export async function peopleSource(folder: string, least: number, most: number): Promise<Source> {
  const files: LabeledFile[] = [];
  for (const label of await foldersIn(folder)) {
    const own = (await readdir(join(folder, label))).filter((name) => IMAGE_FILE.test(name)).sort();
    if (own.length < least) continue;
    for (const name of own.slice(0, most)) files.push({ path: join(folder, label, name), label });
  }
  if (files.length > 0) return filesSource(folder, files);
  throw new DataError(
    'data/empty',
    `${folder} has nobody with at least ${least} images: it must have a folder for each person`,
  );
}
