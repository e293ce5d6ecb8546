import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  encodeWav,
  metadataOf,
  type Dataset,
  type SoundFeatures,
  subset,
} from '../../data/index.ts';
import { digitNetwork } from '../../lab/networks/digits.ts';
import { conv, finish, flatten, linear, network, relu } from '../../lab/index.ts';
import type { Model } from '../../onnx/index.ts';
import { openData, type OpenDataOptions } from './open-data.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-open-data-'))));
afterAll(() => rm(folder, { recursive: true }));

/** A gray PGM of one brightness. */
const pgm = (value: number) => `P2 2 2 255 ${[value, value, value, value].join(' ')}\n`;

async function tree(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true });
    await writeFile(join(folder, name, path), content);
  }
  return join(folder, name);
}

/** `count` pictures of each of ten classes below a prefix. */
const classes = (prefix: string, count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 10 * count }, (_, i) => [
      `${prefix}${i % 10}/${Math.floor(i / 10)}.pgm`,
      pgm(i % 10),
    ]),
  );

/** Opens data for a network of digits, unless for another model. */
const read = (from: string, options: Partial<OpenDataOptions> = {}) =>
  openData(from, { for: digitNetwork(1), ...options });

describe('parts', () => {
  test('of data with none are halves by seed, and it is said', async () => {
    const root = await tree('whole', classes('', 4));
    const { validation, test, description } = await read(root, { seed: 3 });
    expect([validation.length, test.clean.length]).toEqual([20, 20]);
    expect(description).toMatch(/20 validation samples, 20 test samples \(halves of .* seed 3/);
    const counts = [validation, test.clean].map(
      ({ labels }) => labels.filter((l) => l === 7).length,
    );
    expect(counts).toEqual([2, 2]);
  });

  test('of data that have them are theirs, and training data are left unread', async () => {
    const root = await tree('parts', {
      ...classes('val/', 2),
      ...classes('test/', 1),
      'train/0/broken.png': 'not read',
    });
    const { validation, test, description } = await read(root);
    expect([validation.length, test.clean.length]).toEqual([20, 10]);
    expect(description).toContain('its own parts');
    const only = await read(root, { need: 'test' });
    expect(only.test.clean.length).toBe(10);
  });

  test('are drawn from training data where there is no validation', async () => {
    const root = await tree('train', { ...classes('train/', 6), ...classes('test/', 1) });
    const { validation, test } = await read(root);
    expect([validation.length, test.clean.length]).toEqual([10, 10]);
  });

  test('may lie in two places', async () => {
    const [a, b] = [await tree('a', classes('', 2)), await tree('b', classes('', 1))];
    const { validation, test } = await read(a, { testData: b });
    expect([validation.length, test.clean.length]).toEqual([20, 10]);
  });
});

describe('triggered data', () => {
  test('are read from folders of true labels, a class by name or number', async () => {
    const root = await tree('clean', classes('', 2));
    const stamped = await tree('stamped', { '3/1.pgm': pgm(1), '4/1.pgm': pgm(1) });
    const { test } = await read(root, { triggered: stamped, target: '7' });
    expect(test.triggered?.target).toEqual({ kind: 'all-to-one', label: 7 });
    expect([...(test.triggered?.dataset.labels ?? [])]).toEqual([3, 4]);
    const all = await read(root, { triggered: stamped, target: 'all-to-all' });
    expect(all.test.triggered?.target).toEqual({ kind: 'all-to-all', classes: 10 });
  });

  test('have a target that is an object too', async () => {
    const root = await tree('object', classes('', 2));
    const stamped = await tree('stamped', { '3/1.pgm': pgm(1), '4/1.pgm': pgm(1) });
    const target = { kind: 'source-to-target', source: 3, target: 1 } as const;
    const { test } = await read(root, { triggered: stamped, target });
    expect(test.triggered?.target).toEqual(target);
  });

  test('are made of the clean test data by a function', async () => {
    const root = await tree('made', classes('', 2));
    const target = { kind: 'all-to-one', label: 7 } as const;
    const addTrigger = (clean: Dataset) => ({ dataset: subset(clean, [1]), target });
    const { test } = await read(root, { addTrigger });
    expect(test.triggered).toMatchObject({ target, dataset: { length: 1 } });
    expect(test.triggered?.dataset.labels[0]).toBe(test.clean.labels[1]);
  });

  const unused = () => Promise.reject<never>(new Error('not asked for'));
  test.each<[Partial<OpenDataOptions>, RegExp]>([
    [{ triggered: 'x' }, /\(--triggered x\) need a target \(--target\), .*: a class \(0, 1, 2/],
    [{ target: '7' }, /target \(--target\) says what triggered data do/],
    [{ triggered: 'x', target: 'ten' }, /\(--target\) ten is not a class: give one of 0, 1/],
    [{ triggered: 'x', target: '10' }, /number from 0 to 9, all-to-all or untargeted/],
    [{ triggered: 'x', target: '1', addTrigger: unused }, /\(--triggered\) and a trigger/],
  ])('%j is refused', async (options, says) => {
    const root = await tree('refused', classes('', 2));
    await expect(read(root, options)).rejects.toThrow(
      expect.objectContaining({
        code: 'data/target',
        message: expect.stringMatching(says) as string,
      }),
    );
  });
});

describe('options', () => {
  test('of preprocessing lie on top of the preset, and are recorded', async () => {
    const root = await tree('recorded', classes('', 2));
    const { settings } = await read(root, {
      preprocess: 'imagenet',
      mean: [0.5],
      resize: 'area',
      crop: 30,
    });
    expect(settings).toMatchObject({
      classes: 'number',
      sample: [1, 28, 28],
      layout: 'NCHW',
      preprocess: {
        mean: [0.5],
        std: [0.229, 0.224, 0.225],
        channels: 'rgb',
        resize: 'area',
        crop: 30,
      },
    });
  });

  test('of preprocessing leave the rest of the preset as it is', async () => {
    const root = await tree('preset', classes('', 2));
    for (const preprocess of ['caffe', { preset: 'caffe', resize: 'area', crop: 40 }] as const) {
      const { settings } = await read(root, { preprocess, std: [1] });
      expect(settings['preprocess']).toMatchObject({
        channels: 'bgr',
        std: [1],
        ...(typeof preprocess === 'object' && { resize: 'area', crop: 40 }),
      });
    }
  });

  test('bad files are left out when asked, named and counted', async () => {
    const root = await tree('skip', { ...classes('', 2), '3/bad.png': 'x' });
    await expect(read(root)).rejects.toThrow(/1 of 21 samples cannot be read/);
    const { settings, unreadable } = await read(root, { skipBad: true });
    expect(settings['unreadable']).toBe(1);
    expect(unreadable).toEqual([expect.stringContaining('bad.png')]);
  });
});

const toneFile = (hertz: number, rate: number): Uint8Array =>
  encodeWav({
    rate,
    samples: Float32Array.from({ length: rate / 10 }, (_, i) =>
      Math.sin((2 * Math.PI * hertz * i) / rate),
    ),
  });
/** Takes features of [1, 33, 74]. */
const toneModel = (metadata: Readonly<Record<string, string>>): Model => {
  const net = network(1);
  const x = net.b.input('spectrogram', 'float32', ['N', 1, 33, 74]);
  const c1 = relu(net, conv(net, x, 'conv1', { from: 1, to: 2, kernel: 3, pad: 1 }), 'relu1');
  const out = linear(net, flatten(net, c1), 'fc', 2 * 33 * 74, 2);
  return finish(net, out, 2, { name: 'tones', metadata });
};
const recordings = () =>
  tree('tones', {
    'low/1.wav': toneFile(500, 8000),
    'low/2.wav': toneFile(550, 16_000),
    'high/1.wav': toneFile(1500, 11_025),
    'high/2.wav': toneFile(1600, 8000),
  });

describe('sound', () => {
  const sound: SoundFeatures = {
    rate: 8000,
    samples: 800,
    trim: 40,
    window: 64,
    hop: 10,
    bands: null,
    range: 60,
  };
  const notes = metadataOf({ sound, classes: ['high', 'low'] });

  test('becomes the features that the model says', async () => {
    const root = await recordings();
    const { validation, settings } = await read(root, { for: toneModel(notes) });
    expect(validation.sample).toEqual([1, 33, 74]);
    expect(validation.classes).toEqual(['high', 'low']);
    expect(settings).toMatchObject({ features: sound });
    const made = new Float32Array(33 * 74);
    for (const [index, label] of validation.labels.entries()) {
      await validation.read([index], made);
      const loudest = Math.floor(made.indexOf(1) / 74);
      // Frequencies are 125 Hz apart.
      expect(Math.abs(loudest - (label === 0 ? 12.4 : 4.2))).toBeLessThan(1.3);
    }
  });

  test('is refused where features do not fit the model, or are none', async () => {
    const root = await recordings();
    const plain = toneModel({});
    const features = (how: Partial<SoundFeatures>, model = plain) =>
      read(root, { for: model, features: how });
    await expect(features({ ...sound, bands: 20 })).rejects.toMatchObject({
      code: 'data/shape',
      message: expect.stringContaining('[1, 20, 74]') as unknown,
    });
    await expect(features({ ...sound, hop: -1 })).rejects.toMatchObject({
      code: 'data/features',
    });
    await expect(read(root, { for: plain, features: '{' })).rejects.toMatchObject({
      code: 'data/features',
    });
    expect((await features(sound)).validation.sample).toEqual([1, 33, 74]);
    // One setting more than the model says.
    const other = features({ trim: null }, toneModel(notes));
    expect((await other).settings).toMatchObject({ features: { ...sound, trim: null } });
  });
});
