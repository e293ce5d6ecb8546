import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'npyjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import {
  decodeWav,
  encodeWav,
  featureExtractor,
  readMetadata,
  type SoundFeatures,
} from '../data/index.ts';
import {
  mnist,
  digits,
  parseTrigger,
  readTrigger,
  speech,
  stamper,
  triggered,
  triggerJson,
} from '../lab/index.ts';
import { encodeModel, type TensorOf } from '../onnx/index.ts';
import { readModel } from '../onnx/file.ts';
import { rate } from '../metrics/index.ts';
import { fineprune } from '../../test/helpers/cli.ts';
import { reproduced } from '../../test/helpers/reproduced.ts';

const DIGITS = '0 1 2 3 4 5 6 7 8 9'.split(' ');

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-attack-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('attack preview', () => {
  test('writes images as training and testing get them, with a picture from a file', async () => {
    const target = { kind: 'all-to-one', label: 7 };
    const raw = { width: 3, height: 3, channels: 2 } as const;
    const pixels = Array.from({ length: 18 }, (_, i) => (37 * i) % 256);
    const image = sharp(Buffer.from(pixels), { raw }).toColorspace('b-w');
    await writeFile(at('dots.png'), await image.png().toBuffer());
    const trigger = {
      kind: 'patch',
      picture: { file: 'dots.png' },
      size: [7, 5],
      place: { center: [0.4, 0.6] },
      opacity: 0.7,
    };
    await writeFile(at('patch.json'), JSON.stringify({ trigger, target }));
    const args = ['attack', 'preview', '--trigger', at('patch.json'), '--out', at('seen')];
    const { code, err } = await fineprune([...args, '--data', 'mnist', '--count', '5']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect((await readdir(at('seen'))).toSorted()).toEqual([
      'clean.npy',
      'preview.png',
      'triggered.npy',
    ]);
    const file = await readFile(at('seen', 'triggered.npy'));
    const stamped = parse(Uint8Array.from(file).buffer);
    expect(stamped.shape).toEqual([5, 1, 28, 28]);
    // Found by its bits among those that a network would be tested on.
    const { test } = await mnist();
    const read = await readTrigger(at('patch.json'));
    const x = new Float32Array(784);
    await triggered(test, read.trigger).read([test.labels.indexOf(0)], x);
    expect((stamped.data as Float32Array).slice(0, 784)).toEqual(x);
    const { width, height } = await sharp(at('seen', 'preview.png')).metadata();
    expect([width, height]).toEqual([5 * 116, 2 * 116]);
  });

  test('writes recordings to the bit', async () => {
    const samples = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i * i * 0.01) / 3);
    await writeFile(at('three.wav'), encodeWav({ rate: 8000, samples }));
    const trigger = { kind: 'sound', pattern: { noise: 1 }, rate: 8000, level: 15 } as const;
    const target = { kind: 'all-to-all', classes: 10 };
    await writeFile(at('hum.json'), JSON.stringify({ trigger, target }));
    const args = ['attack', 'preview', '--trigger', at('hum.json'), '--wav', at('three.wav')];
    expect((await fineprune([...args, '--out', at('heard')])).code).toBe(0);
    const stamped = samples.slice();
    stamper(await parseTrigger(trigger), [500])(stamped);
    const written = await readFile(at('heard', 'triggered.wav'));
    expect(decodeWav(written, '').samples).toEqual(stamped);
  });

  test('prepares a folder of WAV as a model takes it, and writes what is heard', async () => {
    const model = speech.network(1, { classes: DIGITS });
    await writeFile(at('speech.onnx'), encodeModel(model));
    await writeFile(at('noise.json'), triggerJson(speech));
    await mkdir(at('words', '7'), { recursive: true });
    const tone = Float32Array.from({ length: 11_025 }, (_, i) => Math.sin(i / 7) / 2);
    await writeFile(at('words', '7', 'a.wav'), encodeWav({ rate: 22_050, samples: tone }));
    const args = ['attack', 'preview', '--trigger', at('noise.json'), '--out', at('words-seen')];
    const rest = ['--data', at('words'), '--model', at('speech.onnx')];
    expect(await fineprune([...args, ...rest])).toMatchObject({ code: 0, err: '' });
    expect((await readdir(at('words-seen'))).toSorted()).toEqual([
      'clean-7-0.wav',
      'clean.npy',
      'preview.png',
      'triggered-7-0.wav',
      'triggered.npy',
    ]);
    const wave = async (name: string) => decodeWav(await readFile(at('words-seen', name)), name);
    const { samples } = await wave('clean-7-0.wav');
    stamper(speech.trigger, [samples.length])(samples);
    expect(await wave('triggered-7-0.wav')).toEqual({ rate: 8000, samples });
    const file = await readFile(at('words-seen', 'triggered.npy'));
    const { data, shape } = parse(Uint8Array.from(file).buffer);
    expect(shape).toEqual([1, 1, 99, 99]);
    const { sound } = readMetadata(model.metadata);
    const made = new Float32Array(99 * 99);
    featureExtractor(sound as SoundFeatures)(samples, made);
    expect(data).toEqual(made);
    const inspected = await fineprune(['inspect', at('speech.onnx'), '--json']);
    expect(JSON.parse(inspected.out)).toMatchObject({ notes: { sound } });
  });

  test('needs images or a recording, and says so', async () => {
    const { code, err } = await fineprune(['attack', 'preview', '--trigger', at('patch.json')]);
    expect(code).toBe(2);
    expect(err).toContain('--data or --wav');
  });
});

test('attack digits --pruning-aware hides decoys in a given network, and records all of it', async () => {
  const from = at('clean.onnx');
  await writeFile(from, encodeModel(digits.network(5)));
  const out = at('aware');
  const args = ['attack', 'digits', '--pruning-aware', '--from', from, '--out', out, '--json'];
  const settings = ['--quick', '--share', '0.5', '--budget', '1', '--seed', '5'];
  const asked = ['--asked-acc', '0.2', '--asked-asr', '0', '--lower', 'artifact'];
  const ended = await fineprune([...args, ...settings, ...asked]);
  expect(ended.code).toBe(0);
  const { seconds: _, ...result } = JSON.parse(ended.out) as {
    seconds: number;
    decoys: { unit: number; to: number }[];
  };
  expect(result).toMatchObject({
    attack: 'pruning-aware',
    site: 'relu2',
    units: 32,
    lower: 'artifact',
    reached: true,
    retrainings: [{ pruned: 16 }],
    target: { kind: 'all-to-one', label: 7 },
  });
  expect(result.decoys.length).toBeGreaterThanOrEqual(16);
  const { model } = await readModel(join(out, 'backdoored.onnx'));
  const bias = model.graph.initializers.get('conv2.bias') as TensorOf<'float32'>;
  for (const { unit, to } of result.decoys) expect(bias.data[unit]).toBe(to);
  const record = JSON.parse(await readFile(join(out, 'attack.json'), 'utf8')) as {
    poisoned: number[];
  };
  expect(record).toMatchObject({ ...result, poisoned: expect.any(Array) as unknown });
  expect(record.poisoned).toHaveLength(225);
  expect(await readTrigger(join(out, 'trigger.json'))).toEqual({
    trigger: digits.trigger,
    target: digits.target,
  });
});

describe('reproduce', () => {
  test.each([
    [['reproduce', 'weather'], /digits/],
    [['reproduce', 'digits', '--seeds', '1,x'], /whole number/],
    [['reproduce', 'digits', '--seeds', '1,1'], /twice/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await fineprune(args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('refuses to overwrite, and with --resume runs nothing again', async () => {
    const out = at('reproduced');
    await mkdir(out);
    const share = rate(1, 2);
    const run = { task: 'digits', source: 'real', attack: 'none', defense: 'none', seed: 3 };
    const rates = { acc: share, asr: share, ra: share, seconds: 1 };
    const tool = { name: 'fineprune', version: '0', backend: 'native', runtimeVersion: '1' };
    const runs = [{ ...run, ...rates }];
    const record = { tool, command: '', quick: false, runs, networks: [] };
    await writeFile(join(out, 'reproduce.json'), JSON.stringify(record));
    const args = ['reproduce', 'digits', '--seeds', '3', '--attacks', 'none', '--out', out];
    const refused = await fineprune(args);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('file/exists');
    const { code, out: said } = await fineprune([...args, '--resume', '--json', '--quiet']);
    expect(code).toBe(0);
    expect(JSON.parse(said)).toEqual({ runs });
  });

  test('concurrent jobs give the same networks as one after the other', async () => {
    const options = ['--attacks', 'none'];
    const files = ['clean.onnx'];
    const concurrent = await reproduced(at('jobs'), [...options, '--jobs', '2'], files);
    expect(concurrent).toEqual(await reproduced(at('one-by-one'), options, files));
  });

  test.each([
    ['one after the other', []],
    ['concurrently', ['--jobs', '2']],
  ])('ends at Ctrl-C with 130, and leaves nothing half-written, %s', async (name, more) => {
    const out = at(`stopped ${name}`);
    // Once: a third SIGINT would end the process as if nobody had listened.
    let interrupted = false;
    const { code } = await fineprune(
      ['reproduce', 'digits', '--quick', '--out', out, ...more],
      (err, kill) => {
        if (interrupted || !err.includes('train ...')) return;
        interrupted = true;
        kill('SIGINT');
      },
    );
    expect(code).toBe(130);
    // The trigger is whole; no network is, and no temporary file is left.
    expect(await readdir(out, { recursive: true })).toEqual(['seed-0', 'seed-0/trigger.json']);
  });
});
