import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import type { DataFormat } from './format.ts';
import { annotatedFiles, checkBox, firstOf, hasAnnotations, sceneSource } from './scene-files.ts';
import type { AnnotatedObject } from './source.ts';

const LABELS = 'labels';
/** Files that name the classes, in the order in which they are looked for. */
const NAMES = ['classes.txt', 'obj.names', 'data.yaml', 'dataset.yaml'];

const isLabels = (file: string) => /\.txt$/i.test(file) && !NAMES.includes(file);

/** Scenes of YOLO: `labels/*.txt` beside `images`, and the classes in `classes.txt` or `data.yaml`. */
export const yolo: DataFormat = {
  name: 'yolo',
  description: 'a folder of "images" and "labels" (YOLO, for a detector)',
  content: 'scenes',
  matches: (_, { entries }) => hasAnnotations(entries, [LABELS]),
  async read(path, { name, info: { entries } }) {
    const classes = await classesIn(path, entries);
    const files = await annotatedFiles(path, entries, LABELS, isLabels, (text, from) =>
      objectsIn(text, from, classes),
    );
    return { whole: sceneSource(name, classes, files) };
  },
};

/** The objects of one file: a class's number, the box's center and its sides as shares of the image. */
function objectsIn(text: string, from: string, classes: readonly string[]): AnnotatedObject[] {
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

async function classesIn(folder: string, entries: readonly string[]): Promise<readonly string[]> {
  const file = firstOf(entries, NAMES);
  const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
  const names = file?.endsWith('.yaml') === true ? namesInYaml(text) : text.split(/\r?\n/);
  const classes = names.map((name) => name.trim()).filter((name) => name !== '');
  if (classes.length > 0) return classes;
  throw new DataError(
    'data/classes',
    `${file === undefined ? folder : join(folder, file)} names no classes: put the name of each class, one a line, into ${join(folder, 'classes.txt')}`,
  );
}

const plain = (name: string): string => name.trim().replace(/^(["'])(.*)\1$/, '$2');

/** What a data.yaml has under "names": a list, in one line or in several, or names by number. */
function namesInYaml(text: string): string[] {
  const [, inline, below = ''] =
    /^names:[ \t]*(?:\[([^\]]*)\]|\r?\n((?:[ \t]+.*(?:\r?\n|$)|-.*(?:\r?\n|$))*))/m.exec(text) ??
    [];
  if (inline !== undefined) return inline.split(',').map(plain);
  return below.split(/\r?\n/).map((line) => plain(line.replace(/^\s*(?:-|\d+\s*:)/, '')));
}
