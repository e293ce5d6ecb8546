import type { Augment } from './augment.ts';
import { bandPowers, featureDims, inDecibels, type SoundFeatures } from '../audio/features.ts';
import { random } from '../random.ts';
import { framesIn } from '../audio/spectrogram.ts';

/** The volume of noise: decibels of its mean power below the loudest value of the clip. */
export interface WhiteNoiseSettings {
  readonly loudest: number;
  readonly quietest: number;
}

/** Length of the noise in seconds; each clip gets a random part of it. */
const SECONDS = 20;

/**
 * Adds white noise to the features of sound, as if it were in the recording: the powers of both are added and
 * converted to decibels again. The volume of each clip is uniform in decibels. Silent frames, which pad a
 * clip, stay silent.
 *
 * Adding powers leaves out the product of the two sounds, whose mean is zero.
 */
export function whiteNoise(
  features: SoundFeatures,
  { loudest, quietest }: WhiteNoiseSettings,
): Augment {
  const [, rows, frames] = featureDims(features);
  const samples = Math.max(SECONDS * features.rate, features.samples);
  const long = framesIn(samples, features);
  const noise = new Float64Array(rows * long);
  // Another name of the stream would give other noise.
  const draws = random(0, 'hiss');
  bandPowers({ ...features, samples })(
    Float32Array.from({ length: samples }, () => draws.normal()),
    noise,
  );
  const mean = noise.reduce((sum, power) => sum + power, 0) / noise.length;
  const made = new Float64Array(rows * frames);
  return (x, _, draw) => {
    for (let start = 0; start < x.length; start += made.length) {
      const clip = x.subarray(start, start + made.length);
      const below = loudest + (quietest - loudest) * draw.uniform();
      const gain = 10 ** (-below / 10) / mean;
      const from = draw.integer(long - frames + 1);
      const isSounding = soundingFrames(clip, rows, frames);
      for (let at = 0; at < made.length; at += 1) {
        const frame = at % frames;
        const own = 10 ** ((((clip[at] as number) - 1) * features.range) / 10);
        const added = noise[((at - frame) / frames) * long + from + frame] as number;
        made[at] = isSounding[frame] === 1 ? own + gain * added : 0;
      }
      inDecibels(made, features.range, clip);
    }
  };
}

/** 1 for each frame with any value above 0. */
function soundingFrames(clip: Float32Array, rows: number, frames: number): Uint8Array {
  const sounding = new Uint8Array(frames);
  for (let at = 0; at < rows * frames; at += 1) {
    if ((clip[at] as number) > 0) sounding[at % frames] = 1;
  }
  return sounding;
}
