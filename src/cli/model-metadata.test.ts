import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawnFaces, faces, facesDataset } from '../lab/index.ts';
import { type Model, sizeOf } from '../onnx/index.ts';
import type { DataOptions } from './command-data.ts';
import { addDataOptions, dataFrom } from './data.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-notes-'))));
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

/** Reads data as a command with these arguments does. */
async function read(model: Model, args: readonly string[]) {
  const progress = { say() {}, at() {}, end() {} };
  const command = addDataOptions(new Command()).option('--seed <n>', '', Number, 0);
  command.parse([...args], { from: 'user' });
  const { signal } = new AbortController();
  const { test: data } = await dataFrom(model, command.opts<DataOptions>(), { progress, signal });
  const { clean } = data;
  const x = new Float32Array(clean.length * sizeOf(clean.sample));
  await clean.read([...clean.labels.keys()], x);
  return { x, labels: [...clean.labels], classes: clean.classes };
}

test('a model that says how it takes pictures gets them so, of some of its classes too', async () => {
  const dataset = await facesDataset(drawn);
  const model = faces.network(1, dataset);
  const some = await album('some', ['person-1', 'person-3']);
  const { x, labels, classes } = await read(model, ['--data', some, '--test-data', some]);
  expect(classes).toEqual(dataset.classes);
  expect(labels).toEqual([1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3]);
  const expected = new Float32Array(x.length);
  await dataset.read([10, 11, 6, 7, 8, 9, 18, 19, 20, 21, 22, 23], expected);
  expect(x).toEqual(expected);
});

test('what a person says of preprocessing comes before what the model says', async () => {
  const model = faces.network(1, { classes: ['person-0', 'person-1', 'person-2', 'person-3'] });
  const one = await album('one', ['person-2']);
  const plain = ['--data', one, '--test-data', one, '--preprocess', '0-1'];
  const { x } = await read(model, plain);
  expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...x)).toBeLessThanOrEqual(1);
});

test('a folder of people that the model does not know is an error that names them', async () => {
  const model = faces.network(1, { classes: ['person-0', 'person-1'] });
  const other = await album('other', ['person-1', 'person-2']);
  await expect(read(model, ['--data', other, '--test-data', other])).rejects.toMatchObject({
    code: 'data/classes',
    message: expect.stringMatching(/model does not name \(person-2\)/),
  });
});
