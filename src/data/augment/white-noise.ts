import type { Augment } from './augment.ts';
import { bandPowers, featureDims, inDecibels, type SoundFeatures } from '../audio/features.ts';
import { random } from '../random.ts';
import { framesIn } from '../audio/spectrogram.ts';

/** How loud noise is: decibels below the loudest of the clip that its mean power lies. */
export interface WhiteNoiseSettings {
  readonly loudest: number;
  readonly quietest: number;
}

/** Seconds of noise that clips are given a part of. */
const SECONDS = 20;

/**
 * Adds white noise to the features of sound, as if the recording had it: the powers of both are added,
 * in decibels below the loudest again. How loud it is is drawn for each clip, evenly in decibels.
 * Frames of silence, which pad a clip, stay silent.
 *
 * Powers add up but for the product of the two sounds, which is as often above zero as below.
 */
export function whiteNoise(
  features: SoundFeatures,
  { loudest, quietest }: WhiteNoiseSettings,
): Augment {
  const [, rows, frames] = featureDims(features);
  const samples = Math.max(SECONDS * features.rate, features.samples);
  const long = framesIn(samples, features);
  const noise = new Float64Array(rows * long);
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
      const sounding = soundingFrames(clip, rows, frames);
      for (let at = 0; at < made.length; at += 1) {
        const frame = at % frames;
        const own = 10 ** ((((clip[at] as number) - 1) * features.range) / 10);
        const added = noise[((at - frame) / frames) * long + from + frame] as number;
        made[at] = sounding[frame] === 1 ? own + gain * added : 0;
      }
      inDecibels(made, features.range, clip);
    }
  };
}

/** 1 for each frame in which anything is above 0. */
function soundingFrames(clip: Float32Array, rows: number, frames: number): Uint8Array {
  const sounding = new Uint8Array(frames);
  for (let at = 0; at < rows * frames; at += 1) {
    if ((clip[at] as number) > 0) sounding[at % frames] = 1;
  }
  return sounding;
}
