import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocks } from '../../../test/helpers/data.ts';
import {
  arrayDataset,
  type Dataset,
  featureDataset,
  pictureCode,
  preset,
  type SoundFeatures,
} from '../../data/index.ts';
import { triggerJson } from '../triggers/file.ts';
import { squarePatch } from '../triggers/patch.ts';
import { sound } from '../triggers/sound.ts';
import { yellowSquare } from '../triggers/sticker.ts';
import { triggeredByFile } from './triggered-file.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-triggered-'))));
afterAll(() => rm(folder, { recursive: true }));

async function written(...[trigger]: Parameters<typeof triggerJson>): Promise<string> {
  const file = join(folder, 'trigger.json');
  await writeFile(file, triggerJson(trigger));
  return file;
}

const first = async (dataset: Dataset, size: number) => {
  const x = new Float32Array(size);
  await dataset.read([0], x);
  return x;
};

const toFirst = { kind: 'all-to-one', label: 0 } as const;

test('a picture is stamped before it is scaled', async () => {
  const code = pictureCode([1, 2, 2], 'NCHW', preset('imagenet'));
  const sample = new Float32Array(4);
  code.encodeBytes(Uint8Array.of(0, 51, 102, 153), sample);
  const clean = {
    ...arrayDataset({
      name: 'gray',
      classes: ['a', 'b'],
      sample: [1, 2, 2],
      labels: Int32Array.of(1),
      data: sample,
    }),
    pictures: code,
  };
  const trigger = squarePatch(1, 1, { corner: 'top-left', x: 0, y: 0 });
  const { dataset, target } = await triggeredByFile(
    await written({ trigger, target: toFirst }),
    clean,
  );
  expect(target).toEqual(toFirst);
  const x = await first(dataset, 4);
  const [mean, std] = [(0.485 + 0.456 + 0.406) / 3, (0.229 + 0.224 + 0.225) / 3];
  expect(x[0]).toBeCloseTo((1 - mean) / std, 5);
  expect(x[1]).toBeCloseTo((0.2 - mean) / std, 5);
  expect([...dataset.labels]).toEqual([1]);
});

test('sound carries the trigger before it becomes features', async () => {
  const features: SoundFeatures = {
    rate: 8000,
    samples: 800,
    trim: null,
    window: 64,
    hop: 10,
    bands: null,
    range: 60,
  };
  const waves = arrayDataset({
    name: 'tone',
    classes: ['low', 'high'],
    sample: [800],
    labels: Int32Array.of(0),
    data: Float32Array.from({ length: 800 }, (_, i) => Math.sin((2 * Math.PI * 500 * i) / 8000)),
  });
  const clean = featureDataset(waves, features);
  const trigger = { kind: sound, settings: { pattern: { tone: 3000 }, rate: 8000, level: 10 } };
  const target = { kind: 'all-to-all', classes: 2 } as const;
  const { dataset } = await triggeredByFile(await written({ trigger, target }), clean);
  // 3000 Hz is the frequency of place 24, where the tone of 500 Hz has nothing.
  const at3000 = async (of: Dataset) => (await first(of, 33 * 74))[24 * 74 + 20] as number;
  expect(await at3000(dataset)).toBeCloseTo(1 - 10 / 60, 2);
  expect(await at3000(clean)).toBeLessThan(0.5);
});

test('scenes have the trigger on the objects that are attacked', async () => {
  const clean = blocks(8, [48, 48], 5);
  const target = { kind: 'source-to-target', source: 0, target: 1 } as const;
  const { dataset } = await triggeredByFile(
    await written({ trigger: yellowSquare(), target }),
    clean,
  );
  const attacked = (of: Dataset) => (of.objects ?? []).flat().filter(({ label }) => label === 0);
  expect(attacked(dataset)).toEqual(attacked(clean));
  expect(dataset.objects?.every((scene) => scene.some(({ label }) => label === 0))).toBe(true);
});

test('a target that the data do not have is refused', async () => {
  const clean = blocks(2, [48, 48], 5);
  const target = { kind: 'all-to-one', label: 9 } as const;
  const file = await written({ trigger: yellowSquare(), target });
  await expect(triggeredByFile(file, clean)).rejects.toMatchObject({ code: 'poison/target' });
});
