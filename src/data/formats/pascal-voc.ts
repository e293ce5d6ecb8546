import { DataError } from '../error.ts';
import type { DataFormat } from './format.ts';
import { annotatedFiles, checkBox, firstOf, hasAnnotations, sceneSource } from './scene-files.ts';
import type { AnnotatedObject } from './source.ts';

/** Names of the folder of annotations, in the order in which they are looked for. */
const ANNOTATIONS = ['annotations', 'Annotations'];

const isXml = (file: string) => /\.xml$/i.test(file);

/** Scenes of Pascal VOC: `annotations/*.xml` beside `images`. The classes are sorted by name. */
export const pascalVoc: DataFormat = {
  name: 'pascal-voc',
  description: 'a folder of "images" and "annotations" (Pascal VOC, for a detector)',
  content: 'scenes',
  matches: (_, { entries }) => hasAnnotations(entries, ANNOTATIONS),
  async read(path, { name, info: { entries } }) {
    const annotations = firstOf(entries, ANNOTATIONS) as string;
    const files = await annotatedFiles(path, entries, annotations, isXml, objectsIn);
    const names = files.flatMap(({ objects }) => objects.map((object) => object.name));
    return { whole: sceneSource(name, [...new Set(names)].sort(), files) };
  },
};

/** The objects of one file. Coordinates are taken as they are. */
async function objectsIn(text: string, from: string): Promise<AnnotatedObject[]> {
  // Loaded only where annotations are read.
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
