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

/** How the input of a network, a spectrogram in decibels, is computed from a recording. */
export interface SoundFeatures {
  /** Sample rate in Hz; recordings are resampled to it. */
  readonly rate: number;
  /** Length of the waveform, in samples: longer ones are cut, shorter ones padded with silence. */
  readonly samples: number;
  /** Cuts off start and end while they are so many decibels below the loudest part; null for no trimming. */
  readonly trim: number | null;
  /** Samples per frame, a power of two. */
  readonly window: number;
  /** Samples from the start of one frame to the start of the next. */
  readonly hop: number;
  /** Number of mel bands; null for all frequencies, window/2 + 1. */
  readonly bands: number | null;
  /** Dynamic range in decibels: the loudest value becomes 1, and values so far below it, or further, 0. */
  readonly range: number;
}

/**
 * Checks the settings of sound features, which come from a user or from a model's file.
 *
 * @param where the option or file that they come from, for messages
 * @throws DataError `data/features`, which lists every problem
 */
export function soundFeaturesFrom(settings: unknown, where: string): SoundFeatures {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new DataError(
    'data/features',
    `${where} does not have valid settings for sound features:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}

/** Dims of the features: [1, frequencies, frames], the lowest frequency first. */
export function featureDims(features: SoundFeatures): [number, number, number] {
  const { samples, window, bands } = features;
  return [1, bands ?? window / 2 + 1, framesIn(samples, features)];
}

/** Writes the features of one waveform, row-major, with the dims that `featureDims` gives. */
export type FeatureExtractor = (wave: Float32Array, into: Float32Array) => void;

/** Writes the power of one waveform in each band and frame, with the dims that `featureDims` gives. */
export type Powers = (wave: Float32Array, into: Float64Array) => void;

/** Prepares the computation of band powers, from which features are computed. */
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
 * Converts powers to decibels relative to the loudest one, scaled so that it is 1 and that `range` decibels
 * below it, or less, is 0. Features do not depend on the volume of a recording; silence is 0.
 */
export function inDecibels(powers: Float64Array, range: number, into: Float32Array): void {
  const loudest = powers.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < powers.length; i += 1) {
    const decibels = loudest > 0 ? 10 * Math.log10((powers[i] as number) / loudest) : -range;
    into[i] = Math.max(0, 1 + decibels / range);
  }
}

/** Prepares the computation of features: see `bandPowers` and `inDecibels`. */
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
