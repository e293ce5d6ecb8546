import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrayDataset, subset, type Dataset } from '../../data/dataset.ts';
import { digest } from '../../data/digest.ts';
import { featureExtractor, type SoundFeatures } from '../../data/audio/features.ts';
import { featureDataset } from '../../data/audio/feature-dataset.ts';
import { targetOf, type Target } from '../../metrics/target.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { patch, squarePatch } from '../triggers/patch.ts';
import { sound } from '../triggers/sound.ts';
import { stamper } from '../triggers/trigger.ts';
import { poison, triggered } from './poison.ts';

const trigger = squarePatch(1, 9, { corner: 'bottom-right', x: 0, y: 0 });

/** 40 samples of 4 classes; sample i is [i, i, i, i], so that the stamp shows in the last pixel. */
const data = arrayDataset({
  name: 'toy',
  classes: ['a', 'b', 'c', 'd'],
  sample: [1, 2, 2],
  labels: Int32Array.from({ length: 40 }, (_, i) => i % 4),
  data: Float32Array.from({ length: 160 }, (_, i) => 100 + Math.floor(i / 4)),
});
const allIndices = Array.from({ length: 40 }, (_, i) => i);

const code = (code: string): unknown => expect.objectContaining({ code });

const targets: fc.Arbitrary<Target> = fc.constantFrom<Target>(
  { kind: 'all-to-one', label: 2 },
  { kind: 'all-to-all', classes: 4 },
  { kind: 'source-to-target', source: 3, target: 0 },
  { kind: 'untargeted' },
);

describe('poisoned data', () => {
  test('carry trigger and label where recorded, and are untouched elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(targets, fc.integer(), fc.nat(10), async (target, seed, count) => {
        const made = poison(data, { trigger, target, rate: count / 40, seed });
        expect(made.poisoned.length).toBe(count);
        expect([...made.poisoned]).toEqual([...new Set(made.poisoned)].sort((a, b) => a - b));
        const x = new Float32Array(160);
        await made.dataset.read(allIndices, x);
        for (const i of allIndices) {
          const bad = made.poisoned.includes(i);
          const value = 100 + i;
          expect([...x.subarray(4 * i, 4 * i + 4)]).toEqual([value, value, value, bad ? 9 : value]);
          const before = data.labels[i] as number;
          const label = made.dataset.labels[i];
          if (!bad) expect(label).toBe(before);
          else if (target.kind === 'untargeted') expect(label).not.toBe(before);
          else expect(label).toBe(targetOf(target, before));
          if (bad) expect(label).not.toBe(before);
        }
      }),
    );
  });

  test('are the same in any order of reading', async () => {
    const { dataset, poisoned } = poison(data, {
      trigger,
      target: { kind: 'all-to-one', label: 0 },
      rate: 0.25,
      seed: 1,
    });
    const some = [39, 3, 3, ...poisoned].toReversed();
    const x = new Float32Array(4 * some.length);
    await dataset.read(some, x);
    for (const [row, index] of some.entries()) {
      expect(x[4 * row + 3]).toBe(poisoned.includes(index) ? 9 : 100 + index);
    }
  });

  test('depend on the seed, and are nested by rate', async () => {
    const target: Target = { kind: 'untargeted' };
    const at = (rate: number, seed: number) => poison(data, { trigger, target, rate, seed });
    expect(await digest(at(0.2, 1).dataset)).toBe(await digest(at(0.2, 1).dataset));
    expect(at(0.2, 1).poisoned).not.toEqual(at(0.2, 2).poisoned);
    const [few, many] = [at(0.1, 1), at(0.5, 1)];
    for (const index of few.poisoned) {
      expect(many.poisoned).toContain(index);
      expect(many.dataset.labels[index]).toBe(few.dataset.labels[index]);
    }
  });

  test('leave the clean data as they were', async () => {
    const before = await digest(data);
    poison(data, { trigger, target: { kind: 'all-to-one', label: 0 }, rate: 0.5, seed: 1 });
    expect(await digest(data)).toBe(before);
  });

  test('with clean labels are stamped in the target class only, and keep every label', async () => {
    for (const target of [
      { kind: 'all-to-one', label: 2 },
      { kind: 'source-to-target', source: 3, target: 2 },
    ] as const) {
      const made = poison(data, { trigger, target, rate: 0.2, seed: 1, cleanLabel: true });
      expect(made.poisoned).toHaveLength(8);
      for (const index of made.poisoned) expect(data.labels[index]).toBe(2);
      expect(made.dataset.labels).toEqual(data.labels);
      const x = new Float32Array(160);
      await made.dataset.read(allIndices, x);
      for (const i of allIndices) {
        expect(x[4 * i + 3]).toBe(made.poisoned.includes(i) ? 9 : 100 + i);
      }
    }
    const rest = { trigger, rate: 0.2, seed: 1, cleanLabel: true };
    expect(() => poison(data, { ...rest, target: { kind: 'untargeted' } })).toThrow(
      code('poison/target'),
    );
    expect(() =>
      poison(data, { ...rest, rate: 0.3, target: { kind: 'all-to-one', label: 2 } }),
    ).toThrow(code('poison/rate'));
  });

  test('at rate 0 are the clean data', async () => {
    const made = poison(data, { trigger, target: { kind: 'untargeted' }, rate: 0, seed: 1 });
    expect(await digest(made.dataset)).toBe(await digest(data));
  });

  test.each<[Target, number, string]>([
    [{ kind: 'untargeted' }, 1.1, 'poison/rate'],
    [{ kind: 'untargeted' }, -0.1, 'poison/rate'],
    [{ kind: 'untargeted' }, Number.NaN, 'poison/rate'],
    [{ kind: 'untargeted' }, 0.01, 'poison/rate'],
    // Only 10 of the 40 are of class 3.
    [{ kind: 'source-to-target', source: 3, target: 0 }, 0.3, 'poison/rate'],
    [{ kind: 'all-to-one', label: 0 }, 0.8, 'poison/rate'],
    [{ kind: 'all-to-one', label: 4 }, 0.1, 'poison/target'],
    [{ kind: 'all-to-all', classes: 5 }, 0.1, 'poison/target'],
    [{ kind: 'source-to-target', source: -1, target: 0 }, 0.1, 'poison/target'],
  ])('cannot be made for %j at rate %d', (target, rate, expected) => {
    expect(() => poison(data, { trigger, target, rate, seed: 1 })).toThrow(code(expected));
  });

  test('refuse a trigger that does not fit before reading any sample', () => {
    const large = squarePatch(3, 1);
    const target: Target = { kind: 'untargeted' };
    expect(() => poison(data, { trigger: large, target, rate: 0.1, seed: 1 })).toThrow(
      code('trigger/outside'),
    );
    expect(() => triggered(data, large)).toThrow(code('trigger/outside'));
  });
});

test('triggered data carry the trigger everywhere and keep their true labels', async () => {
  const made = triggered(data, trigger);
  expect(made.name).toBe('toy/triggered');
  expect(made.labels).toEqual(data.labels);
  const x = new Float32Array(160);
  await made.read(allIndices, x);
  for (const i of allIndices) {
    expect([...x.subarray(4 * i, 4 * i + 4)]).toEqual([100 + i, 100 + i, 100 + i, 9]);
  }
});

test('a poisoned sample is the triggered one to the bit', async () => {
  const { settings } = squarePatch(2, 0.7, { corner: 'top-left', x: 0, y: 0 });
  const shine = { kind: patch, settings: { ...settings, opacity: 0.3 } };
  const target: Target = { kind: 'all-to-all', classes: 4 };
  const { dataset } = poison(data, { trigger: shine, target, rate: 1, seed: 1 });
  const [a, b] = [new Float32Array(160), new Float32Array(160)];
  await dataset.read(allIndices, a);
  await triggered(data, shine).read(allIndices, b);
  expect(a).toEqual(b);
});

const read = async (dataset: Dataset, index: number) => {
  const into = new Float32Array(sizeOf(dataset.sample));
  await dataset.read([index], into);
  return into;
};

describe('sound', () => {
  const features: SoundFeatures = {
    rate: 8000,
    samples: 400,
    trim: 40,
    window: 64,
    hop: 24,
    bands: 10,
    range: 60,
  };
  const hum = { kind: sound, settings: { pattern: { noise: 3 }, rate: 8000, level: 12 } };
  const waves = arrayDataset({
    name: 'tones',
    classes: ['a', 'b'],
    sample: [400],
    labels: Int32Array.of(0, 1, 0, 1),
    data: Float32Array.from({ length: 1600 }, (_, i) =>
      i % 400 < 300 ? Math.sin((i * (1 + Math.floor(i / 400))) / 9) : 0,
    ),
  });
  const clean = featureDataset(waves, features);
  test('is stamped as a waveform before features are computed', async () => {
    const made = triggered(clean, hum);
    const stamp = stamper(hum, [400]);
    for (const index of [3, 0]) {
      const wave = await read(waves, index);
      stamp(wave);
      const expected = new Float32Array(sizeOf(clean.sample));
      featureExtractor(features)(wave, expected);
      expect(await read(made, index)).toEqual(expected);
      expect(await read(made, index)).not.toEqual(await read(clean, index));
      expect(await read(made.sounds?.waves as Dataset, index)).toEqual(wave);
    }
  });

  test('that is poisoned equals the triggered one to the bit, and the rest stays clean', async () => {
    const target: Target = { kind: 'all-to-all', classes: 2 };
    const { dataset, poisoned } = poison(clean, { trigger: hum, target, rate: 0.5, seed: 1 });
    const some = subset(triggered(clean, hum), [...poisoned]);
    for (const [place, index] of poisoned.entries()) {
      expect(await read(dataset, index)).toEqual(await read(some, place));
      expect(dataset.labels[index]).toBe(1 - (clean.labels[index] as number));
    }
    const rest = [0, 1, 2, 3].filter((index) => !poisoned.includes(index));
    expect(rest).toHaveLength(2);
    for (const index of rest) expect(await read(dataset, index)).toEqual(await read(clean, index));
  });
});
