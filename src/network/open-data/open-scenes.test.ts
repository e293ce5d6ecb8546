import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocks } from '../../../test/helpers/data.ts';
import { writeScenes } from '../../../test/helpers/scenes.ts';
import type { Dataset } from '../../data/index.ts';
import { detectorNetwork } from '../../lab/networks/detector.ts';
import { METADATA, specOf } from '../detection/index.ts';
import { openData, type OpenDataOptions } from './open-data.ts';

const SIZE = [48, 48] as const;
const CLASSES = ['red', 'blue'];
const model = detectorNetwork(1, { ...specOf(CLASSES, SIZE), anchors: [12, 20] }, 16);
const scenes = blocks(8, SIZE, 5);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-open-scenes-'));
  await writeScenes(folder, scenes);
});
afterAll(() => rm(folder, { recursive: true }));

const open = (name: string, options: Partial<OpenDataOptions> = {}) =>
  openData(join(folder, name), { for: model, seed: 1, ...options });
const red = (objects: Dataset['objects'] = []) =>
  objects.flat().filter(({ label }) => label === 0).length;

test('scenes have the classes of the detector, whatever their order in the folder', async () => {
  for (const { validation, test: tests, settings } of [await open('voc'), await open('yolo')]) {
    expect(validation.classes).toEqual(CLASSES);
    const all = [...(validation.objects ?? []), ...(tests.clean.objects ?? [])];
    expect(all).toHaveLength(8);
    expect(red(all)).toBe(red(scenes.objects));
    expect(settings).toEqual({
      data: expect.stringMatching(/^4 validation samples, 4 test samples \(halves of .* seed 1/),
      classes: 'model',
      sample: [3, 48, 48],
    });
  }
});

test('the scenes to report on may be in another folder, and triggered ones in a third', async () => {
  const target = 'untargeted';
  const { validation, test: tests } = await open('voc', {
    testData: join(folder, 'yolo'),
    triggered: join(folder, 'voc'),
    target,
  });
  expect([validation.length, tests.clean.length]).toEqual([8, 8]);
  expect(red(tests.triggered?.dataset.objects)).toBe(red(scenes.objects));
  expect(tests.triggered?.target).toEqual({ kind: target });
});

test.each<[string, Partial<OpenDataOptions>, RegExp]>([
  [
    'another detector',
    { for: { ...model, metadata: new Map() } },
    /"fineprune.detector".*another tool/,
  ],
  ['options of classifiers', { mean: [0.5] }, /mean \(--mean\) is for classifiers/],
  ['options of sound', { sampleRate: 8000 }, /sampleRate \(--sample-rate\) is for classifiers/],
  ['a trigger of no target', { triggered: 'somewhere' }, /--target/],
  [
    'a class too many',
    {
      for: {
        ...model,
        metadata: new Map([[METADATA, JSON.stringify(specOf(['red', 'green'], SIZE))]]),
      },
    },
    /blue, which the network does not know: its classes are red, green/,
  ],
])('scenes with %s are refused', async (_, options, message) => {
  await expect(open('voc', options)).rejects.toThrow(message);
});

test('a classifier takes no scenes, and a detector nothing else', async () => {
  const graph = { ...model.graph, nodes: [] };
  const classifier = { ...model, metadata: new Map<string, string>(), graph };
  await expect(open('voc', { for: classifier })).rejects.toMatchObject({ name: 'DetectionError' });
  await mkdir(join(folder, 'classes', 'red'), { recursive: true });
  await writeFile(join(folder, 'classes', 'red', '1.pgm'), 'P2 1 1 255 0');
  await expect(open('classes')).rejects.toMatchObject({ name: 'DataError', code: 'data/format' });
});
