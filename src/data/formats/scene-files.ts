import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { DataError } from '../error.ts';
import { decodeImage, IMAGE_FILE } from '../images/decode.ts';
import type { Box } from '../scenes/boxes.ts';
import type { AnnotatedObject, SceneSource } from './source.ts';

/** Names of the folder of images, in the order in which they are looked for. */
const IMAGES = ['images', 'JPEGImages', 'img'];

/** An image file and its objects. */
export interface AnnotatedFile {
  readonly path: string;
  readonly objects: readonly AnnotatedObject[];
}

/** The first of some names that a folder has. */
export function firstOf(entries: readonly string[], names: readonly string[]): string | undefined {
  return names.find((name) => entries.includes(name));
}

/** Whether a folder has images with annotations beside them. */
export function hasAnnotations(
  entries: readonly string[],
  annotations: readonly string[],
): boolean {
  return firstOf(entries, IMAGES) !== undefined && firstOf(entries, annotations) !== undefined;
}

/**
 * Reads every file of annotations in a folder, in the order of their names. An image without such a file
 * is left out; one whose file has no object is a scene without objects.
 *
 * @param parse - the objects in one file of annotations
 * @throws DataError `data/missing` for annotations without an image, `data/empty` where there are none
 */
export async function annotatedFiles(
  folder: string,
  entries: readonly string[],
  annotations: string,
  isAnnotation: (file: string) => boolean,
  parse: (text: string, from: string) => AnnotatedObject[] | Promise<AnnotatedObject[]>,
): Promise<AnnotatedFile[]> {
  const images = join(folder, firstOf(entries, IMAGES) as string);
  const names = (await readdir(images)).filter((name) => IMAGE_FILE.test(name)).sort();
  const byStem = new Map(names.map((name) => [stem(name), join(images, name)]));
  const files: AnnotatedFile[] = [];
  for (const name of (await readdir(join(folder, annotations))).filter(isAnnotation).sort()) {
    const from = join(folder, annotations, name);
    const path = byStem.get(stem(name));
    if (path === undefined) {
      throw new DataError('data/missing', `${from} has no image of the same name`);
    }
    files.push({ path, objects: await parse(await readFile(from, 'utf8'), from) });
  }
  if (files.length > 0) return files;
  throw new DataError(
    'data/empty',
    `${join(folder, annotations)} holds no annotations of the files in ${images}`,
  );
}

/** Annotated image files as a source. An image is decoded when its scene is asked for. */
export function sceneSource(
  name: string,
  classes: readonly string[],
  files: readonly AnnotatedFile[],
): SceneSource {
  const pathOf = (index: number) => (files[index] as AnnotatedFile).path;
  return {
    name,
    classes,
    objects: files.map(({ objects }) => objects),
    where: pathOf,
    read: async (index) => decodeImage(await readFile(pathOf(index))),
  };
}

/** @throws DataError `data/format` for a box without area */
export function checkBox({ left, top, right, bottom }: Box, where: string): void {
  if (left < right && top < bottom) return;
  throw new DataError(
    'data/format',
    `${where}: the box (${left}, ${top}) to (${right}, ${bottom}) has no area, or a side that is no number`,
  );
}

const stem = (name: string): string => basename(name, extname(name));
