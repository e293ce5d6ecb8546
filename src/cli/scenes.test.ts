import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocks } from '../../test/helpers/data.ts';
import type { Dataset } from '../data/index.ts';
import { METADATA, specOf } from '../network/index.ts';
import { detectorNetwork } from '../lab/networks/detector.ts';
import { triggerJson } from '../lab/triggers/file.ts';
import { yellowSquare } from '../lab/triggers/sticker.ts';
import { encodeModel } from '../onnx/index.ts';
import type { DataOptions } from './command-data.ts';
import { scenesFrom } from './scenes.ts';
import { fineprune } from '../../test/helpers/cli.ts';

const SIZE = [48, 48] as const;
const CLASSES = ['red', 'blue'];
const model = detectorNetwork(1, { ...specOf(CLASSES, SIZE), anchors: [12, 20] }, 16);
const target = { kind: 'source-to-target', source: 0, target: 1 } as const;
const scenes = blocks(8, SIZE, 5);

let folder = '';
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-scenes-'));
  await writeFile(at('detector.onnx'), encodeModel(model));
  await writeFile(at('trigger.json'), triggerJson({ trigger: yellowSquare(), target }));
  for (const [name, write] of [
    ['voc', voc],
    ['yolo', yolo],
  ] as const) {
    await mkdir(at(name, 'images'), { recursive: true });
    for (let index = 0; index < scenes.length; index += 1) {
      await writeFile(at(name, 'images', `${index}.ppm`), await ppm(scenes, index));
      const [path, text] = write(index);
      await mkdir(at(name, path), { recursive: true });
      await writeFile(at(name, path, `${index}.${path === 'labels' ? 'txt' : 'xml'}`), text);
    }
  }
  await writeFile(at('yolo', 'classes.txt'), 'blue\nred\n');
});
afterAll(() => rm(folder, { recursive: true }));

async function ppm(dataset: Dataset, index: number): Promise<Buffer> {
  const [channels = 3, height = 0, width = 0] = dataset.sample;
  const x = new Float32Array(channels * height * width);
  await dataset.read([index], x);
  const pixels = Uint8Array.from(x, (_, i) =>
    Math.round(255 * (x[(i % channels) * height * width + Math.floor(i / channels)] as number)),
  );
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

function voc(index: number): ['annotations', string] {
  const objects = (scenes.objects?.[index] ?? []).map(
    ({ box, label }) =>
      `<object><name>${scenes.classes[label]}</name><bndbox><xmin>${box.left}</xmin><ymin>${box.top}</ymin><xmax>${box.right}</xmax><ymax>${box.bottom}</ymax></bndbox></object>`,
  );
  return ['annotations', `<annotation>${objects.join('')}</annotation>`];
}

/** With its classes in another order. */
function yolo(index: number): ['labels', string] {
  const lines = (scenes.objects?.[index] ?? []).map(({ box, label }) => {
    const [x, y] = [(box.left + box.right) / 96, (box.top + box.bottom) / 96];
    const [width, height] = [(box.right - box.left) / 48, (box.bottom - box.top) / 48];
    return [1 - label, x, y, width, height].join(' ');
  });
  return ['labels', lines.join('\n')];
}

const options = (data: string, more: Partial<DataOptions> = {}) =>
  ({ data: at(data), seed: 1, ...more }) as DataOptions;
const session = {
  signal: new AbortController().signal,
  progress: { at: () => {}, say: () => {} } as never,
};
const red = (objects: Dataset['objects'] = []) =>
  objects.flat().filter(({ label }) => label === 0).length;

describe('scenes of a person', () => {
  test('have the classes of the detector, whatever their order in the folder', async () => {
    const [a, b] = await Promise.all(
      ['voc', 'yolo'].map((data) => scenesFrom(model, options(data), session, 'all')),
    );
    expect(a?.validation.classes).toEqual(CLASSES);
    expect(b?.validation.classes).toEqual(CLASSES);
    for (const part of [a, b]) {
      const all = [...(part?.validation.objects ?? []), ...(part?.test.clean.objects ?? [])];
      expect(all).toHaveLength(8);
      expect(red(all)).toBe(red(scenes.objects));
    }
  });

  test('have the trigger on the objects that are attacked', async () => {
    const more = { trigger: at('trigger.json'), testData: at('voc') };
    const found = await scenesFrom(model, options('yolo', more), session, 'test');
    const { dataset, target: wanted } = found?.test.triggered ?? {};
    expect(wanted).toEqual(target);
    expect(red(dataset?.objects)).toBe(red(scenes.objects));
  });

  test.each([
    [
      'another detector',
      { ...model, metadata: new Map() },
      {},
      /"fineprune.detector".*another tool/,
    ],
    ['options of classifiers', model, { mean: [0.5] }, /--mean is for classifiers/],
    ['a trigger of no target', model, { triggered: 'somewhere' }, /--target/],
    [
      'a class too many',
      {
        ...model,
        metadata: new Map([[METADATA, JSON.stringify(specOf(['red', 'green'], SIZE))]]),
      },
      {},
      /blue, which the network does not know: its classes are red, green/,
    ],
  ])('with %s are refused', async (_, given, more, message) => {
    await expect(scenesFrom(given, options('voc', more), session, 'all')).rejects.toThrow(message);
  });

  test('are no concern of a classifier', async () => {
    const plain = {
      ...model,
      metadata: new Map<string, string>(),
      graph: { ...model.graph, nodes: [] },
    };
    expect(await scenesFrom(plain, options('nowhere'), session, 'all')).toBeUndefined();
  });
});

test(
  'evaluate and defend take a detector and a folder of scenes',
  { timeout: 60_000 },
  async () => {
    const common = [at('detector.onnx'), '--trigger', at('trigger.json'), '--quiet', '--json'];
    const evaluated = await fineprune(['evaluate', ...common, '--data', at('voc')]);
    expect(evaluated.err).toBe('');
    const { acc, asr } = JSON.parse(evaluated.out);
    expect(acc.map).toBeGreaterThanOrEqual(0);
    expect(acc.ap).toHaveLength(2);
    expect(asr.of).toBeGreaterThan(0);

    const fineTuning = ['--epochs', '1', '--occlusion', '0.5'];
    const run = ['--step', '8', '--max-drop', '100', '--out', at('out'), ...fineTuning];
    const defended = await fineprune(['defend', ...common, '--data', at('yolo'), ...run]);
    expect(defended.err).toBe('');
    expect(JSON.parse(defended.out).before.acc.ap).toHaveLength(2);
    const record = JSON.parse(await readFile(at('out', 'report.json'), 'utf8'));
    expect(record.scenes.classes).toEqual(CLASSES);
    const [pruning, tuning] = record.outcomes.at(-1).steps;
    expect(pruning.data.sites[0].site.name).toBe('relu5');
    expect(tuning.data.settings.occlusion).toBe(0.5);
  },
);
