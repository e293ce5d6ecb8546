import * as fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { arrayDataset, concat, relabel, subset, type Dataset } from '../dataset.ts';
import {
  featureDims,
  featureExtractor,
  soundFeaturesFrom,
  type SoundFeatures,
} from './features.ts';
import { featureDataset } from './feature-dataset.ts';
import { random } from '../random.ts';
import { resampled, trimmed } from './sound.ts';
import { framesIn, melBands } from './spectrogram.ts';

interface Golden {
  readonly rate: number;
  readonly sound: number[];
  readonly features: { settings: SoundFeatures; dims: number[]; values: number[] }[];
  readonly tones: number[];
  readonly resampled: { rate: number; values: number[] }[];
}

const golden = JSON.parse(
  await readFile(new URL('../../../test/golden/data/sound.json', import.meta.url), 'utf8'),
) as Golden;

const small: SoundFeatures = {
  rate: 8000,
  samples: 800,
  trim: null,
  window: 64,
  hop: 40,
  bands: 12,
  range: 60,
};

const sizeOf = (features: SoundFeatures) => featureDims(features).reduce((a, b) => a * b);

function featuresOf(wave: Float32Array, features = small): Float32Array {
  const made = new Float32Array(sizeOf(features));
  featureExtractor(features)(wave, made);
  return made;
}

const tone = (hertz: number, length = 800, loud = 0.5) =>
  Float32Array.from({ length }, (_, i) => loud * Math.sin((2 * Math.PI * hertz * i) / 8000));

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

describe('features', () => {
  test.each(golden.features)(
    'are as SciPy makes them: window $settings.window, bands $settings.bands',
    ({ settings, dims, values }) => {
      expect(featureDims(settings)).toEqual(dims);
      const made = featuresOf(Float32Array.from(golden.sound), settings);
      expect(made.length).toBe(values.length);
      expect(furthest(made, values)).toBeLessThan(1e-5);
    },
  );

  test('are the same however loud the sound is, 1 where it is loudest, and 0 for silence', () => {
    const [quiet, loud] = [featuresOf(tone(900, 800, 0.01)), featuresOf(tone(900, 800, 0.9))];
    expect(furthest(quiet, loud)).toBeLessThan(1e-4);
    expect(Math.max(...loud)).toBe(1);
    expect(Math.min(...loud)).toBe(0);
    expect([...featuresOf(new Float32Array(800))].every((value) => value === 0)).toBe(true);
  });

  test('of a sound so many frames later are so many columns further on', () => {
    const [, rows, frames] = featureDims(small);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer(), (later, seed) => {
        const draw = random(seed, 'sound');
        const clip = Float32Array.from({ length: 300 }, () => draw.normal());
        const at = (from: number) => {
          const wave = new Float32Array(800);
          wave.set(clip, 100 + from * small.hop);
          return featuresOf(wave);
        };
        const [first, moved] = [at(0), at(later)];
        for (let row = 0; row < rows; row += 1) {
          for (let frame = later; frame < frames; frame += 1) {
            expect(moved[row * frames + frame]).toBe(first[row * frames + frame - later]);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    [{ ...small, window: 60 }, /power of two/],
    [{ ...small, window: 1024 }, /at most samples/],
    [{ ...small, hop: 0 }, /hop/],
    [{ ...small, kind: 'mfcc' }, /kind/],
    ['{}', /expected object/],
  ])('that make no sense are refused: %j', (said, reason) => {
    expect(() => soundFeaturesFrom(said, '--features')).toThrow(
      expect.objectContaining({
        code: 'data/features',
        message: expect.stringMatching(reason) as unknown,
      }),
    );
  });

  test('take frames that lie in the sound whole', () => {
    expect(framesIn(64, small)).toBe(1);
    expect(framesIn(103, small)).toBe(1);
    expect(framesIn(104, small)).toBe(2);
    expect(framesIn(63, small)).toBe(0);
  });

  test('have something in every band, however narrow', () => {
    for (const { weights } of melBands(72, 8000, 256)) {
      expect(weights.some((weight) => weight > 0)).toBe(true);
    }
  });
});

describe('a data set of features', () => {
  const waves: Dataset = arrayDataset({
    name: 'tones',
    classes: ['low', 'high'],
    sample: [800],
    labels: Int32Array.of(0, 1, 0, 1),
    data: Float32Array.from([500, 1500, 600, 1700].flatMap((hertz) => [...tone(hertz)])),
  });
  const size = sizeOf(small);

  async function read(dataset: Dataset, ...indices: number[]): Promise<Float32Array> {
    const into = new Float32Array(indices.length * size);
    await dataset.read(indices, into);
    return into;
  }

  test('is read twice the same, and as one by one', async () => {
    const dataset = featureDataset(waves, small);
    expect(dataset).toMatchObject({ length: 4, sample: [1, 12, 19], classes: ['low', 'high'] });
    const all = await read(dataset, 2, 0);
    expect(await read(dataset, 2, 0)).toEqual(all);
    expect(all.subarray(0, size)).toEqual(featuresOf(tone(600)));
    expect(all.subarray(size)).toEqual(featuresOf(tone(500)));
  });

  test('keeps to its waveforms in parts, put together, and with other labels', async () => {
    const dataset = featureDataset(waves, small);
    const part = subset(dataset, [3, 1]);
    const whole = relabel(concat([part, subset(dataset, [0])]), Int32Array.of(0, 0, 1));
    const own = whole.sounds?.waves as Dataset;
    expect(own.length).toBe(3);
    const found = new Float32Array(3 * 800);
    await own.read([0, 1, 2], found);
    expect([...found]).toEqual([...tone(1700), ...tone(1500), ...tone(500)]);
    expect(await read(whole, 0, 1, 2)).toEqual(await read(dataset, 3, 1, 0));
  });
});

describe('sound', () => {
  test.each(golden.resampled)('is resampled to $rate as SciPy does it', ({ rate, values }) => {
    const wave = { rate: golden.rate, samples: Float32Array.from(golden.tones) };
    const { samples } = resampled(wave, rate);
    expect(Math.abs(samples.length - values.length)).toBeLessThanOrEqual(1);
    // At the ends, where the sound breaks off, filters differ.
    const end = Math.floor(samples.length / 8);
    const middle = (all: ArrayLike<number>) => Array.from(all).slice(end, 7 * end);
    expect(furthest(middle(samples), middle(values))).toBeLessThan(2e-3);
  });

  test('loses what is quiet at its ends, in blocks of 10 ms, and nothing within', () => {
    const samples = new Float32Array(800);
    samples.fill(0.001, 0, 800);
    samples.fill(0.5, 170, 240);
    samples.fill(0.5, 400, 480);
    expect(trimmed({ rate: 8000, samples }, 40)).toEqual(samples.subarray(160, 480));
    expect(trimmed({ rate: 8000, samples }, 60)).toEqual(samples);
    expect(trimmed({ rate: 8000, samples: new Float32Array(99) }, 40)).toHaveLength(0);
  });

  test('that is trimmed stays as it is when trimmed again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 500 }),
        fc.integer({ min: 5, max: 60 }),
        (values, below) => {
          const once = trimmed({ rate: 1000, samples: Float32Array.from(values) }, below);
          expect(trimmed({ rate: 1000, samples: once }, below)).toEqual(once);
        },
      ),
    );
  });
});
