import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawnFaces, faces, facesDataset } from '../../lab/index.ts';
import { type Model, sizeOf } from '../../onnx/index.ts';
import { openData, type OpenDataOptions } from './open-data.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-metadata-'))));
afterAll(() => rm(folder, { recursive: true }));

const drawn = drawnFaces({ people: 4, each: 6, side: 64, seed: 1 });

/** Pictures of some of the people in folders of their names. */
async function album(name: string, people: readonly string[]): Promise<string> {
  for (const [index, label] of drawn.labels.entries()) {
    if (!people.includes(label)) continue;
    const raw = await drawn.read(index);
    if (raw.kind !== 'picture') throw new Error('no picture');
    const { width, height, pixels } = raw.picture;
    const place = join(folder, name, label);
    await mkdir(place, { recursive: true });
    const png = sharp(pixels, { raw: { width, height, channels: 3 } }).png();
    await writeFile(join(place, `${index}.png`), await png.toBuffer());
  }
  return join(folder, name);
}

/** All clean test samples. */
async function read(model: Model, from: string, options: Partial<OpenDataOptions> = {}) {
  const { clean } = (await openData(from, { for: model, testData: from, ...options })).test;
  const x = new Float32Array(clean.length * sizeOf(clean.sample));
  await clean.read([...clean.labels.keys()], x);
  return { x, labels: [...clean.labels], classes: clean.classes };
}

test('pictures are preprocessed as the model says, also of some of its classes', async () => {
  const dataset = await facesDataset(drawn);
  const model = faces.network(1, dataset);
  const some = await album('some', ['person-1', 'person-3']);
  const { x, labels, classes } = await read(model, some);
  expect(classes).toEqual(dataset.classes);
  expect(labels).toEqual([1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3]);
  const expected = new Float32Array(x.length);
  await dataset.read([10, 11, 6, 7, 8, 9, 18, 19, 20, 21, 22, 23], expected);
  expect(x).toEqual(expected);
});

test('the option for preprocessing goes before what the model says', async () => {
  const model = faces.network(1, { classes: ['person-0', 'person-1', 'person-2', 'person-3'] });
  const one = await album('one', ['person-2']);
  const { x } = await read(model, one, { preprocess: '0-1' });
  expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...x)).toBeLessThanOrEqual(1);
});

test('a folder of people that the model does not know is an error that names them', async () => {
  const model = faces.network(1, { classes: ['person-0', 'person-1'] });
  const other = await album('other', ['person-1', 'person-2']);
  await expect(read(model, other)).rejects.toMatchObject({
    code: 'data/classes',
    message: expect.stringMatching(/model does not name \(person-2\)/),
  });
});
