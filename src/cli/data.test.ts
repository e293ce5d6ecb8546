import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  encodeWav,
  filters,
  metadataOf,
  presets,
  type Dataset,
  type SoundFeatures,
} from '../data/index.ts';
import { digitNetwork } from '../lab/networks/digits.ts';
import {
  conv,
  finish,
  flatten,
  linear,
  network,
  relu,
  sound as soundKind,
  squarePatch,
  triggerJson,
} from '../lab/index.ts';
import type { Model } from '../onnx/index.ts';
import type { DataOptions } from './command-data.ts';
import { addDataOptions, dataFrom } from './data.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'fineprune-cli-data-'))));
afterAll(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

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

/** Reads data as a command with these arguments does, and what it says as it goes. */
async function read(args: readonly string[], model: Model = digitNetwork(1), part?: 'test') {
  const said: string[] = [];
  const progress = { say: (text: string) => void said.push(text), at() {}, end() {} };
  const command = addDataOptions(new Command()).option('--seed <n>', '', Number, 0).exitOverride();
  command.parse([...args], { from: 'user' });
  const data = await dataFrom(model, command.opts<DataOptions>(), { progress, signal }, part);
  return { ...data, said };
}

describe('parts', () => {
  test('of data with none are halves by seed, and it is said', async () => {
    const root = await tree('whole', classes('', 4));
    const { validation, test, said } = await read(['--data', root, '--seed', '3']);
    expect([validation.length, test.clean.length]).toEqual([20, 20]);
    expect(said.join('\n')).toMatch(/20 validation samples, 20 test samples \(halves of .* seed 3/);
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
    const { validation, test, said } = await read(['--data', root]);
    expect([validation.length, test.clean.length]).toEqual([20, 10]);
    expect(said[0]).toContain('its own parts');
    const only = await read(['--data', root], digitNetwork(1), 'test');
    expect(only.test.clean.length).toBe(10);
  });

  test('are drawn from training data where there is no validation', async () => {
    const root = await tree('train', { ...classes('train/', 6), ...classes('test/', 1) });
    const { validation, test } = await read(['--data', root]);
    expect([validation.length, test.clean.length]).toEqual([10, 10]);
  });

  test('may lie in two places', async () => {
    const [a, b] = [await tree('a', classes('', 2)), await tree('b', classes('', 1))];
    const { validation, test } = await read(['--data', a, '--test-data', b]);
    expect([validation.length, test.clean.length]).toEqual([20, 10]);
  });
});

describe('triggered data', () => {
  test('are read from folders of true labels, a class by name or number', async () => {
    const root = await tree('clean', classes('', 2));
    const stamped = await tree('stamped', { '3/1.pgm': pgm(1), '4/1.pgm': pgm(1) });
    const { test } = await read(['--data', root, '--triggered', stamped, '--target', '7']);
    expect(test.triggered?.target).toEqual({ kind: 'all-to-one', label: 7 });
    expect([...(test.triggered?.dataset.labels ?? [])]).toEqual([3, 4]);
    const all = await read(['--data', root, '--triggered', stamped, '--target', 'all-to-all']);
    expect(all.test.triggered?.target).toEqual({ kind: 'all-to-all', classes: 10 });
  });

  test('are stamped on the picture, before it is scaled', async () => {
    const root = await tree('stamping', classes('', 2));
    const trigger = join(folder, 'trigger.json');
    const place = { corner: 'top-left', x: 0, y: 0 } as const;
    await writeFile(
      trigger,
      triggerJson({ trigger: squarePatch(1, 1, place), target: { kind: 'all-to-one', label: 7 } }),
    );
    const args = ['--data', root, '--trigger', trigger, '--preprocess', 'imagenet'];
    const { test } = await read(args);
    const x = new Float32Array(28 * 28);
    await test.triggered?.dataset.read([0], x);
    const [mean, std] = [(0.485 + 0.456 + 0.406) / 3, (0.229 + 0.224 + 0.225) / 3];
    expect(x[0]).toBeCloseTo((1 - mean) / std, 5);
    expect(x[1]).toBeCloseTo(((test.triggered?.dataset.labels[0] ?? 0) / 255 - mean) / std, 5);
  });

  test.each([
    [['--triggered', 'x'], /needs --target: .*a class \(0, 1, 2/],
    [['--target', '7'], /--target says what --triggered data do: give both/],
    [['--triggered', 'x', '--target', 'ten'], /--target ten is no class: give one of 0, 1/],
    [['--triggered', 'x', '--target', '10'], /number from 0 to 9, all-to-all or untargeted/],
    [['--triggered', 'x', '--trigger', 'y', '--target', '1'], /both --triggered and --trigger/],
  ])('%j is refused', async (args, says) => {
    const root = await tree('refused', classes('', 2));
    await expect(read(['--data', root, ...args])).rejects.toThrow(
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
    const args = ['--preprocess', 'imagenet', '--mean', '0.5', '--resize', 'area', '--crop', '30'];
    const { settings } = await read(['--data', root, ...args]);
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

  test('bad files are left out when asked, counted and said', async () => {
    const root = await tree('skip', { ...classes('', 2), '3/bad.png': 'x' });
    await expect(read(['--data', root])).rejects.toThrow(/1 of 21 samples cannot be read/);
    const { settings, said } = await read(['--data', root, '--skip-bad']);
    expect(settings['unreadable']).toBe(1);
    expect(said.join('\n')).toContain('left out, since they cannot be read: 1 samples');
  });

  test('name what there is', () => {
    const help = addDataOptions(new Command()).helpInformation();
    for (const name of [...presets, ...filters]) expect(help).toContain(name);
  });

  test.each([
    [['--crop', 'all'], /whole number/],
    [['--mean', '1,2'], /one number, or three/],
    [['--size', '224x'], /height x width/],
    [['--layout', 'CHW'], /NCHW, NHWC/],
    [['--resize', 'cubic'], /nearest, bilinear/],
  ])('%j is wrong usage', (args, says) => {
    const command = addDataOptions(new Command())
      .exitOverride()
      .configureOutput({ writeErr() {} });
    expect(() => command.parse(['--data', 'x', ...args], { from: 'user' })).toThrow(says);
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
const heardModel = (metadata: Readonly<Record<string, string>>): Model => {
  const net = network(1);
  const x = net.b.input('spectrogram', 'float32', ['N', 1, 33, 74]);
  const c1 = relu(net, conv(net, x, 'conv1', { from: 1, to: 2, kernel: 3, pad: 1 }), 'relu1');
  const out = linear(net, flatten(net, c1), 'fc', 2 * 33 * 74, 2);
  return finish(net, out, 2, { name: 'tones', metadata });
};
/** What is heard at 3000 Hz in the middle of the first sample. */
const hum = async (dataset: Dataset) => {
  const made = new Float32Array(33 * 74);
  await dataset.read([0], made);
  return made[24 * 74 + 20] as number;
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
    const { validation, settings } = await read(['--data', root], heardModel(notes));
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

  test('carries the trigger before it becomes features', async () => {
    const root = await recordings();
    const trigger = {
      kind: soundKind,
      settings: { pattern: { tone: 3000 }, rate: 8000, level: 10 },
    };
    const file = join(folder, 'hum.json');
    await writeFile(file, triggerJson({ trigger, target: { kind: 'all-to-all', classes: 2 } }));
    const { test: data } = await read(['--data', root, '--trigger', file], heardModel(notes));
    const stamped = data.triggered?.dataset as Dataset;
    expect(await hum(stamped)).toBeCloseTo(1 - 10 / 60, 2);
    expect(await hum(data.clean)).toBeLessThan(0.5);
  });

  test('is refused where features do not fit the model, or are none', async () => {
    const root = await recordings();
    const plain = heardModel({});
    const features = (how: unknown) => ['--data', root, '--features', JSON.stringify(how)];
    await expect(read(features({ ...sound, bands: 20 }), plain)).rejects.toMatchObject({
      code: 'data/shape',
      message: expect.stringContaining('[1, 20, 74]') as unknown,
    });
    await expect(read(features({ ...sound, hop: -1 }), plain)).rejects.toMatchObject({
      code: 'data/features',
    });
    await expect(read(['--data', root, '--features', '{'], plain)).rejects.toMatchObject({
      code: 'data/features',
    });
    expect((await read(features(sound), plain)).validation.sample).toEqual([1, 33, 74]);
    // One setting more than the model says.
    const other = read(features({ trim: null }), heardModel(notes));
    expect((await other).settings).toMatchObject({ features: { ...sound, trim: null } });
  });
});
