import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import {
  type Dataset,
  digest,
  encodeWav,
  featureDims,
  readMetadata,
  readData,
  random,
  subset,
} from '../../data/index.ts';
import { placeOf, SETS } from '../data/sets/sets.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { baselineAttack } from '../attacks/baseline.ts';
import { triggered } from '../attacks/poison.ts';
import { speech, speechParts } from './speech.ts';

const DIGITS = '0 1 2 3 4 5 6 7 8 9'.split(' ');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-speech-'));
  // Ten takes of one speaker: a digit is two tones after a pause, in noise.
  const draw = random(1, 'speech');
  for (let i = 0; i < 100; i += 1) {
    const [digit, take] = [i % 10, Math.floor(i / 10)];
    const pause = 400 + draw.integer(800);
    const samples = Float32Array.from({ length: 4000 + draw.integer(2000) }, (_, at) => {
      const hertz = 300 + 250 * (at < 3000 ? digit : (3 * digit + 1) % 10);
      const voice = at < pause ? 0 : 0.4 * Math.sin((2 * Math.PI * hertz * at) / 8000);
      return voice + 0.001 * draw.normal();
    });
    await writeFile(join(folder, `${digit}_ann_${take}.wav`), encodeWav({ rate: 8000, samples }));
  }
});
afterAll(() => rm(folder, { recursive: true }));

const all = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, index) => index);

async function read(dataset: Dataset, index: number): Promise<Float32Array> {
  const into = new Float32Array(sizeOf(dataset.sample));
  await dataset.read([index], into);
  return into;
}

/** What the network's file says of its data, as the command line reads it. */
function opening() {
  const { metadata, graph } = speech.network(1, { classes: DIGITS });
  const { sound, classes } = readMetadata(metadata);
  if (!sound || !classes) throw new Error('the file says nothing');
  expect(graph.inputs[0]?.dims).toEqual(['N', ...featureDims(sound)]);
  const input = { dims: featureDims(sound), layout: 'NCHW' } as const;
  return { input, features: sound, named: classes };
}

test('test data are the first five takes, validation data are chosen from the other takes by seed', async () => {
  const parts = await speechParts(folder, 'tones', 3);
  const lengths = [parts.train, parts.validation, parts.test].map(({ length }) => length);
  expect(lengths).toEqual([40, 10, 50]);
  for (const part of [parts.train, parts.validation, parts.test]) {
    const counts = all(part).reduce(
      (sum, index) =>
        sum.with(part.labels[index] as number, (sum[part.labels[index] as number] ?? 0) + 1),
      Array.from({ length: 10 }, () => 0),
    );
    expect(new Set(counts).size).toBe(1);
  }
  const again = await speechParts(folder, 'tones', 3);
  expect(await digest(again.validation)).toBe(await digest(parts.validation));
  const seeds = [0, 1, 2, 4].map(async (seed) =>
    digest((await speechParts(folder, 'x', seed)).validation),
  );
  expect(new Set(await Promise.all(seeds)).size).toBeGreaterThan(1);
});

test('a folder of WAV gives the features that the network was trained on, by its metadata', async () => {
  const { test: part } = await speechParts(folder, 'tones', 3);
  const root = join(folder, 'by-class');
  const names = (await readdir(folder)).filter((name) => /_[0-4]\.wav$/.test(name)).sort();
  for (const name of names) {
    await mkdir(join(root, name.charAt(0)), { recursive: true });
    await copyFile(join(folder, name), join(root, name.charAt(0), basename(name)));
  }
  const { parts } = await readData(root, opening());
  expect(await digest(parts.whole as Dataset)).toBe(await digest(part));
});

test('the triggered recording of a preview has the features of the triggered data, to the bit', async () => {
  const { test: part } = await speechParts(folder, 'tones', 3);
  const stamped = triggered(part, speech.trigger);
  const waves = stamped.sounds?.waves as Dataset;
  const root = join(folder, 'heard');
  for (const index of all(waves)) {
    const label = String(waves.labels[index]);
    await mkdir(join(root, label), { recursive: true });
    const samples = await read(waves, index);
    const name = `${String(index).padStart(3, '0')}.wav`;
    await writeFile(join(root, label, name), encodeWav({ rate: 8000, samples }));
  }
  const { parts } = await readData(root, opening());
  expect(await digest(parts.whole as Dataset)).toBe(await digest(stamped));
});

test('the network learns from poisoned data', async () => {
  const { train } = await speechParts(folder, 'tones', 3);
  const training = { ...speech.training, epochs: 8, batchSize: 20 };
  const some = subset(train, all(train).slice(0, 20));
  const { epochs, poisoned } = await baselineAttack(
    await testRuntime(),
    { ...speech, training, poisonRate: 0.2 },
    { train: some },
    { seed: 1 },
  );
  expect(poisoned).toHaveLength(4);
  expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss as number);
});

const { there } = placeOf(SETS.fsdd);

describe.skipIf(!there)('the Free Spoken Digit Dataset', () => {
  test('is complete, and has its own split', async () => {
    const parts = await speech.load(0);
    const lengths = [parts.train, parts.validation, parts.test].map(({ length }) => length);
    expect(lengths).toEqual([2160, 540, 300]);
    expect(parts.test.classes).toEqual(DIGITS);
    for (const index of [0, 111, 299]) {
      const x = await read(parts.test, index);
      expect(Math.max(...x)).toBe(1);
      expect(x.some((value) => value === 0)).toBe(true);
    }
  });
});
