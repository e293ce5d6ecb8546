import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { decodeImage, IMAGE_FILE } from '../images/decode.ts';
import type { RawSample, Source } from './source.ts';
import { decodeWav } from '../audio/wav.ts';

const SOUND_FILE = /\.wave?$/i;
const LITTER = /^(\.|thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/** Whether a file or folder is one that operating systems leave behind. */
export const isLitter = (name: string): boolean => LITTER.test(name);

/** Whether a file is one of the kinds that are decoded. */
export const isSampleFile = (name: string): boolean =>
  IMAGE_FILE.test(name) || SOUND_FILE.test(name);

/** The names of the folders in a folder, sorted, without those that operating systems leave behind. */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !isLitter(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** A file and the name of its class. */
export interface LabeledFile {
  readonly path: string;
  readonly label: string;
}

/** Image and sound files as a source. A file is read when its sample is asked for. */
export function filesSource(name: string, files: readonly LabeledFile[]): Source {
  const pathOf = (index: number) => (files[index] as LabeledFile).path;
  return {
    name,
    labels: files.map(({ label }) => label),
    where: pathOf,
    read: (index) => decodeFile(pathOf(index)),
  };
}

async function decodeFile(path: string): Promise<RawSample> {
  if (SOUND_FILE.test(path)) {
    return { kind: 'sound', sound: decodeWav(await readFile(path), path) };
  }
  if (IMAGE_FILE.test(path)) {
    return { kind: 'picture', picture: await decodeImage(await readFile(path)) };
  }
  throw new Error(
    `${basename(path)} is neither an image (PNG, JPEG, WebP, PPM, PGM) nor a sound (WAV)`,
  );
}
