import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Box } from './boxes.ts';
import { IMAGE_FILE } from '../images/decode.ts';
import { DataError } from '../error.ts';

/** An image file and its objects. */
export interface AnnotatedFile {
  readonly path: string;
  /** Where the objects are said, for messages. */
  readonly from: string;
  readonly objects: readonly AnnotatedObject[];
}

export interface AnnotatedObject {
  readonly name: string;
  readonly difficult: boolean;
  readonly box: Box;
  /** What the box is counted in: pixels of the image, or shares of its sides. */
  readonly unit: 'pixels' | 'shares';
}

export interface Annotations {
  readonly files: readonly AnnotatedFile[];
  /** Names in the order of the labels, where the data say so; sorted otherwise. */
  readonly classes: readonly string[];
}

/** Names of the folders of images and of annotations, in the order in which they are looked for. */
const IMAGES = ['images', 'JPEGImages', 'img'];
const VOC = ['annotations', 'Annotations'];
const YOLO = ['labels'];
/** Files that name YOLO's classes. */
const NAMES = ['classes.txt', 'obj.names', 'data.yaml', 'dataset.yaml'];

/**
 * The images of a folder with their boxes: Pascal VOC (`annotations/*.xml` beside `images`) or YOLO
 * (`labels/*.txt`, and the classes in `classes.txt` or `data.yaml`). An image without a file of
 * annotations is left out; one whose file has no object is a scene without objects.
 *
 * @throws DataError 'data/missing', 'data/empty', 'data/format', 'data/classes', which name the file
 */
export async function annotationsIn(folder: string): Promise<Annotations> {
  const images = firstOf(folder, IMAGES);
  const [voc, yolo] = [firstOf(folder, VOC), firstOf(folder, YOLO)];
  if (images === undefined || (voc === undefined && yolo === undefined)) {
    throw new DataError(
      'data/missing',
      `${folder} has no scenes: it should hold "images" with "annotations" beside it (Pascal VOC, .xml) or "labels" (YOLO, .txt)`,
    );
  }
  const paths = (await readdir(images)).filter((name) => IMAGE_FILE.test(name)).sort();
  const byStem = new Map(paths.map((name) => [stem(name), join(images, name)]));
  const made =
    voc === undefined
      ? await yoloFiles(folder, yolo as string, byStem)
      : await vocFiles(voc, byStem);
  if (made.files.length > 0) return made;
  throw new DataError(
    'data/empty',
    `${voc ?? yolo} holds no annotations of the files in ${images}`,
  );
}

function firstOf(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}

const stem = (name: string): string => basename(name, extname(name));

async function vocFiles(folder: string, images: ReadonlyMap<string, string>): Promise<Annotations> {
  const files: AnnotatedFile[] = [];
  for (const name of (await readdir(folder)).filter((file) => /\.xml$/i.test(file)).sort()) {
    const from = join(folder, name);
    const path = images.get(stem(name));
    if (path === undefined) throw withoutImage(from);
    files.push({ path, from, objects: await vocObjects(await readFile(from, 'utf8'), from) });
  }
  const names = files.flatMap(({ objects }) => objects.map((object) => object.name));
  return { files, classes: [...new Set(names)].sort() };
}

/** The objects of one file of Pascal VOC. Coordinates are taken as they are. */
async function vocObjects(text: string, from: string): Promise<AnnotatedObject[]> {
  // Only who reads annotations loads the library.
  const { DOMParser } = await import('linkedom');
  const root = new DOMParser().parseFromString(text, 'text/xml').querySelector('annotation');
  if (!root) throw new DataError('data/format', `${from} has no <annotation>: is it Pascal VOC?`);
  return [...root.querySelectorAll('object')].map((object, index) => {
    const of = (tag: string) => object.querySelector(tag)?.textContent?.trim() ?? '';
    const side = (tag: string) => (of(tag) === '' ? NaN : Number(of(tag)));
    const box = {
      left: side('bndbox > xmin'),
      top: side('bndbox > ymin'),
      right: side('bndbox > xmax'),
      bottom: side('bndbox > ymax'),
    };
    const name = of('name');
    if (name === '') throw new DataError('data/format', `${from}, object ${index + 1} has no name`);
    checkBox(box, `${from}, object ${index + 1} ("${name}")`);
    return { name, difficult: of('difficult') === '1', box, unit: 'pixels' };
  });
}

async function yoloFiles(
  folder: string,
  labels: string,
  images: ReadonlyMap<string, string>,
): Promise<Annotations> {
  const classes = await yoloClasses(folder);
  const files: AnnotatedFile[] = [];
  for (const name of (await readdir(labels)).filter((file) => /\.txt$/i.test(file)).sort()) {
    if (NAMES.includes(name)) continue;
    const from = join(labels, name);
    const path = images.get(stem(name));
    if (path === undefined) throw withoutImage(from);
    files.push({ path, from, objects: yoloObjects(await readFile(from, 'utf8'), from, classes) });
  }
  return { files, classes };
}

/** The objects of one file of YOLO: a class's number, the box's middle and its sides as shares. */
function yoloObjects(text: string, from: string, classes: readonly string[]): AnnotatedObject[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const where = `${from}, line ${index + 1}`;
    const [label = NaN, x = NaN, y = NaN, width = NaN, height = NaN, ...rest] = line
      .trim()
      .split(/\s+/)
      .map(Number);
    const name = classes[label];
    if (rest.length > 0 || ![label, x, y, width, height].every(Number.isFinite)) {
      throw new DataError(
        'data/format',
        `${where}: "${line.trim()}" is not like "class x y width height", five numbers`,
      );
    }
    if (name === undefined) {
      throw new DataError(
        'data/label',
        `${where}: class ${label} is none of ${classes.length} (${classes.join(', ')})`,
      );
    }
    const box = {
      left: x - width / 2,
      top: y - height / 2,
      right: x + width / 2,
      bottom: y + height / 2,
    };
    checkBox(box, where);
    return [{ name, difficult: false, box, unit: 'shares' as const }];
  });
}

async function yoloClasses(folder: string): Promise<readonly string[]> {
  const path = firstOf(folder, NAMES);
  const text = path === undefined ? '' : await readFile(path, 'utf8');
  const names = path?.endsWith('.yaml') === true ? namesInYaml(text) : text.split(/\r?\n/);
  const classes = names.map((name) => name.trim()).filter((name) => name !== '');
  if (classes.length > 0) return classes;
  throw new DataError(
    'data/classes',
    `${path ?? folder} names no classes: put the name of each class, one a line, into ${join(folder, 'classes.txt')}`,
  );
}

const plain = (name: string): string => name.trim().replace(/^(["'])(.*)\1$/, '$2');

/** What a data.yaml has under "names": a list, in one line or several, or names by their numbers. */
function namesInYaml(text: string): string[] {
  const [, inline, below = ''] =
    /^names:[ \t]*(?:\[([^\]]*)\]|\r?\n((?:[ \t]+.*(?:\r?\n|$)|-.*(?:\r?\n|$))*))/m.exec(text) ??
    [];
  if (inline !== undefined) return inline.split(',').map(plain);
  return below.split(/\r?\n/).map((line) => plain(line.replace(/^\s*(?:-|\d+\s*:)/, '')));
}

function checkBox({ left, top, right, bottom }: Box, where: string): void {
  if (left < right && top < bottom) return;
  throw new DataError(
    'data/format',
    `${where}: the box (${left}, ${top}) to (${right}, ${bottom}) has no area, or a side that is no number`,
  );
}

function withoutImage(from: string): DataError {
  return new DataError('data/missing', `${from} has no image of the same name`);
}
