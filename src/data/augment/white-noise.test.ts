import { expect, test } from 'vitest';
import {
  bandPowers,
  featureDims,
  featureExtractor,
  type SoundFeatures,
} from '../audio/features.ts';
import { whiteNoise } from './white-noise.ts';
import { random } from '../random.ts';

const features: SoundFeatures = {
  rate: 8000,
  samples: 32000,
  trim: null,
  window: 256,
  hop: 64,
  bands: 40,
  range: 80,
};
const sample = featureDims(features);
const [, rows, frames] = sample;

const draw = random(3, 'waves');
const noise = (samples: number, loud: number) =>
  Float32Array.from({ length: samples }, () => loud * draw.normal());
const tone = Float32Array.from({ length: 32000 }, (_, i) =>
  Math.sin((2 * Math.PI * 1000 * i) / 8000),
);

function extracted(wave: Float32Array): Float32Array {
  const made = new Float32Array(rows * frames);
  featureExtractor(features)(wave, made);
  return made;
}

const meanOf = (values: Float32Array, row: number) =>
  values.subarray(row * frames, (row + 1) * frames).reduce((a, b) => a + b) / frames;

test('makes the features that the waveform has with noise in it', () => {
  const added = noise(32000, 0.01);
  const wave = tone.map((value, at) => value + (added[at] as number));
  const expected = extracted(wave);
  const x = extracted(tone);
  // How far the noise's mean power over bands is below the loudest of the tone's, in decibels.
  const alone = new Float64Array(rows * frames);
  bandPowers(features)(added, alone);
  const loudest = new Float64Array(rows * frames);
  bandPowers(features)(tone, loudest);
  const below =
    10 * Math.log10(Math.max(...loudest) / (alone.reduce((a, b) => a + b) / alone.length));
  whiteNoise(features, { loudest: below, quietest: below })(x, sample, random(1));
  for (let row = 0; row < rows; row += 1) {
    expect(Math.abs(meanOf(x, row) - meanOf(expected, row))).toBeLessThan(2 / features.range);
  }
});

test('is another for every clip, and leaves silence after a clip silent', () => {
  const clip = extracted(
    Float32Array.from({ length: 32000 }, (_, i) => (i < 16000 ? (tone[i] as number) : 0)),
  );
  const x = new Float32Array([...clip, ...clip]);
  whiteNoise(features, { loudest: 20, quietest: 40 })(x, sample, random(1));
  const [first, second] = [x.subarray(0, clip.length), x.subarray(clip.length)];
  expect(first).not.toEqual(second);
  for (let row = 0; row < rows; row += 1) {
    for (let frame = 0; frame < frames; frame += 1) {
      const at = row * frames + frame;
      if (64 * frame >= 16000) expect(first[at]).toBe(0);
      else if (64 * frame < 15500) expect(first[at]).toBeGreaterThan(0);
    }
  }
});
