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
 * Faces out of a folder for each person, as LFW has them (Huang et al. 2007), in numbers that are not
 * too far apart.
 *
 * @param least - people with fewer pictures are left out
 * @param most - of people with more, the first by name are taken
 * @throws DataError `data/empty` where nobody has enough
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
    `${folder} holds nobody with ${least} pictures or more: it should hold a folder for each person`,
  );
}
