import * as z from 'zod';
import { DataError } from '../error.ts';
import { framesIn, melBands, spectrogram, type Band } from './spectrogram.ts';

const schema = z
  .strictObject({
    rate: z.int().min(1),
    samples: z.int().min(2),
    trim: z.number().gt(0).nullable(),
    window: z.int().min(2),
    hop: z.int().min(1),
    bands: z.int().min(1).nullable(),
    range: z.number().gt(0),
  })
  .refine(({ window }) => Number.isInteger(Math.log2(window)), 'window must be a power of two')
  .refine(({ window, samples }) => window <= samples, 'window must be at most samples');

/** How a network's input, a spectrogram in decibels, is made of a recording. */
export interface SoundFeatures {
  /** Samples a second that recordings are brought to. */
  readonly rate: number;
  /** Length of the waveform, in samples: what is longer is cut, what is shorter followed by silence. */
  readonly samples: number;
  /** Begin and end are cut off as long as they are so many decibels below the loudest part; or not. */
  readonly trim: number | null;
  /** Samples of a frame, a power of two, and between the beginnings of two. */
  readonly window: number;
  readonly hop: number;
  /** How many mel bands; null for all frequencies, window/2 + 1. */
  readonly bands: number | null;
  /** Decibels: the loudest value is 1, what lies so far below it 0. */
  readonly range: number;
}

/**
 * Settings of features out of what a person or a model's file says.
 *
 * @param where the option or file that it came from, for messages
 * @throws DataError `data/features` that lists every fault
 */
export function soundFeaturesFrom(said: unknown, where: string): SoundFeatures {
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  throw new DataError(
    'data/features',
    `${where} is no way to make features of sound:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}

/** Dims of the features: one channel, the lowest frequency first, then time. */
export function featureDims(features: SoundFeatures): [number, number, number] {
  const { samples, window, bands } = features;
  return [1, bands ?? window / 2 + 1, framesIn(samples, features)];
}

/** Writes the features of one waveform, dims as `featureDims` says, row-major. */
export type FeatureExtractor = (wave: Float32Array, into: Float32Array) => void;

/** Writes the power of one waveform in each band and frame, dims as `featureDims` says. */
export type Powers = (wave: Float32Array, into: Float64Array) => void;

/** Makes ready to compute powers, from which features are made. */
export function bandPowers(features: SoundFeatures): Powers {
  const { rate, window } = features;
  const [, rows, frames] = featureDims(features);
  const powers = spectrogram(features);
  const bands = features.bands === null ? everyFrequency(rows) : melBands(rows, rate, window);
  return (wave, into) => {
    powers(wave, (power, frame) => {
      for (const [row, { first, weights }] of bands.entries()) {
        let sum = 0;
        for (let i = 0; i < weights.length; i += 1) {
          sum += (weights[i] as number) * (power[first + i] as number);
        }
        into[row * frames + frame] = sum;
      }
    });
  };
}

/**
 * Powers in decibels below the loudest of them: 1 for it, 0 from `range` on down. So features are the
 * same however loud a recording is, and silence is 0.
 */
export function inDecibels(powers: Float64Array, range: number, into: Float32Array): void {
  const most = powers.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < powers.length; i += 1) {
    const below = most > 0 ? 10 * Math.log10((powers[i] as number) / most) : -range;
    into[i] = Math.max(0, 1 + below / range);
  }
}

/** Makes ready to compute features: see `bandPowers` and `inDecibels`. */
export function featureExtractor(features: SoundFeatures): FeatureExtractor {
  const [, rows, frames] = featureDims(features);
  const powers = bandPowers(features);
  const found = new Float64Array(rows * frames);
  return (wave, into) => {
    powers(wave, found);
    inDecibels(found, features.range, into);
  };
}

function everyFrequency(count: number): Band[] {
  return Array.from({ length: count }, (_, first) => ({ first, weights: Float64Array.of(1) }));
}
