import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Target } from '../../metrics/index.ts';
import { encodeWav } from '../../data/audio/wav.ts';
import { digits } from '../tasks/digits.ts';
import { readTrigger, triggerJson } from './file.ts';
import { jsonOf } from './parse.ts';
import { badNetsPatch, squarePatch } from './patch.ts';
import { attachedFiles } from './trigger.ts';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-'));
  path = join(folder, 'trigger.json');
});
afterAll(() => rm(folder, { recursive: true }));

const targets: Target[] = [
  { kind: 'all-to-one', label: 7 },
  { kind: 'all-to-all', classes: 10 },
  { kind: 'source-to-target', source: 1, target: 2 },
  { kind: 'untargeted' },
];

describe('a trigger file', () => {
  test.each(targets)('comes back as it was, with target %j', async (target) => {
    for (const trigger of [digits.trigger, badNetsPatch(0.3), squarePatch(3, 1)]) {
      await writeFile(path, triggerJson({ trigger, target }));
      expect(await readTrigger(path)).toEqual({ trigger, target });
    }
  });

  test('reads the picture next to it, and writes it byte for byte', async () => {
    // Red, green, blue and half transparent white.
    const pixels = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 51];
    const raw = { width: 2, height: 2, channels: 4 } as const;
    const bytes = await sharp(Buffer.from(pixels), { raw }).png().toBuffer();
    await writeFile(join(folder, 'sticker.png'), bytes);
    const json = {
      kind: 'blend',
      picture: { file: 'sticker.png', low: -1, high: 1 },
      opacity: 0.5,
    };
    await writeFile(path, JSON.stringify({ trigger: json, target: targets[0] }));
    const made = await readTrigger(path);
    expect(made.trigger).toMatchObject({
      kind: { name: 'blend' },
      settings: {
        picture: {
          dims: [3, 2, 2],
          values: [1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1, 1],
          alpha: [1, 1, 1, 0.2],
        },
      },
    });
    const [file] = attachedFiles(made.trigger);
    expect(file?.name).toBe('sticker.png');
    expect(Buffer.from(file?.bytes ?? []).equals(bytes)).toBe(true);
    expect(JSON.parse(triggerJson(made))).toEqual({ trigger: json, target: targets[0] });
  });

  test('reads a gray picture as one channel', async () => {
    const raw = { width: 2, height: 1, channels: 1 } as const;
    const image = sharp(Buffer.from([0, 51]), { raw }).toColorspace('b-w');
    await writeFile(join(folder, 'gray.png'), await image.png().toBuffer());
    const trigger = { kind: 'blend', picture: { file: 'gray.png' }, opacity: 0.5 };
    await writeFile(path, JSON.stringify({ trigger, target: targets[0] }));
    expect((await readTrigger(path)).trigger).toMatchObject({
      settings: { picture: { dims: [1, 1, 2], values: [0, 0.2] } },
    });
  });

  test('reads the recording next to it, of the same rate', async () => {
    const samples = Float32Array.of(0.5, -0.25, 0.125);
    await writeFile(join(folder, 'bell.wav'), encodeWav({ rate: 8000, samples }));
    const json = { kind: 'sound', pattern: { recording: { file: 'bell.wav' } }, level: 20 };
    const trigger = (rate: number) =>
      writeFile(path, JSON.stringify({ trigger: { ...json, rate }, target: targets[1] }));
    await trigger(8000);
    const made = await readTrigger(path);
    expect(made.trigger).toMatchObject({
      settings: { pattern: { recording: { samples: [...samples] } } },
    });
    expect(attachedFiles(made.trigger).map(({ name }) => name)).toEqual(['bell.wav']);
    expect(JSON.parse(triggerJson(made))).toEqual({
      trigger: { ...json, rate: 8000 },
      target: targets[1],
    });
    await trigger(16_000);
    await expect(readTrigger(path)).rejects.toMatchObject({
      code: 'trigger/file',
      message: expect.stringContaining('resample') as unknown,
    });
  });

  test.each(['nowhere.png', 'trigger.json'])('with %s as a picture is refused', async (file) => {
    const trigger = { kind: 'blend', picture: { file }, opacity: 0.5 };
    await writeFile(path, JSON.stringify({ trigger, target: targets[0] }));
    await expect(readTrigger(path)).rejects.toMatchObject({
      code: 'trigger/file',
      message: expect.stringContaining(file) as unknown,
    });
  });

  const good = { trigger: jsonOf(squarePatch(2, 1)), target: targets[0] };
  test.each([
    ['is empty', ''],
    ['is no JSON', '{"trigger": '],
    ['is a list', '[]'],
    ['has no target', JSON.stringify({ trigger: good.trigger })],
    ['has no trigger', JSON.stringify({ target: good.target })],
    ['has an unknown target', JSON.stringify({ ...good, target: { kind: 'someToMost' } })],
    ['has a label below 0', JSON.stringify({ ...good, target: { kind: 'all-to-one', label: -1 } })],
    ['has half a label', JSON.stringify({ ...good, target: { kind: 'all-to-one', label: 0.5 } })],
    [
      'has a target of one class',
      JSON.stringify({ ...good, target: { kind: 'all-to-all', classes: 1 } }),
    ],
    ['has a trigger of an unknown kind', JSON.stringify({ ...good, trigger: { kind: 'smell' } })],
    ['has too many fields', JSON.stringify({ ...good, trigger: { ...good.trigger, color: 1 } })],
  ])('that %s is refused by name', async (_, text) => {
    await writeFile(path, text);
    await expect(readTrigger(path)).rejects.toMatchObject({
      name: 'TriggerError',
      code: 'trigger/format',
      message: expect.stringContaining(path) as unknown,
    });
  });

  test.each([
    [{ kind: 'allToOne', label: 1 }, 'all-to-one'],
    [{ kind: 'allToAll', classes: 10 }, 'all-to-all'],
    [{ kind: 'sourceToTarget', source: 0, target: 1 }, 'source-to-target'],
  ])(
    'with the earlier spelling of a target %j is refused with the new one',
    async (target, spelling) => {
      await writeFile(path, JSON.stringify({ ...good, target }));
      await expect(readTrigger(path)).rejects.toMatchObject({
        code: 'trigger/format',
        message: expect.stringContaining(
          `"${target.kind}" is now spelled "${spelling}"`,
        ) as unknown,
      });
    },
  );

  test('with the earlier spelling of "center" is refused with the new one', async () => {
    const trigger = { ...good.trigger, place: { centre: [0.5, 0.5] } };
    await writeFile(path, JSON.stringify({ ...good, trigger }));
    await expect(readTrigger(path)).rejects.toThrow('"centre" is now spelled "center"');
  });

  test('that is missing is refused by name', async () => {
    const missing = join(folder, 'missing.json');
    await expect(readTrigger(missing)).rejects.toMatchObject({
      code: 'trigger/format',
      message: expect.stringContaining(missing) as unknown,
    });
  });
});
