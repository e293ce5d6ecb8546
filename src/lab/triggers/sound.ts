import * as z from 'zod';
import { random } from '../../data/random.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { TriggerError } from './error.ts';
import { besideSchema, type BesideFile } from './picture.ts';
import type { Stamper } from './stamper.ts';

/** What is heard: one of three. */
export type SoundPattern =
  /** A sine of so many hertz. */
  | { readonly tone: number }
  /** White noise out of a seed. */
  | { readonly noise: number }
  /** A recording, again and again where it is shorter than the clip. */
  | { readonly recording: Recording };

/** Samples at the trigger's rate. */
export interface Recording {
  readonly samples: readonly number[];
  /** The WAV file that they came from. */
  readonly from?: BesideFile | undefined;
}

/**
 * A sound added to a waveform, as quiet as is asked: its root mean square lies `level` decibels below
 * the clip's own (Fine-Pruning, section 2.3, adds a pattern of noise to speech).
 */
export interface SoundTrigger {
  readonly kind: 'sound';
  readonly pattern: SoundPattern;
  /** Samples a second of the waveforms. */
  readonly rate: number;
  /** Decibels below the speech: 20 is a tenth of its amplitude. */
  readonly level: number;
}

export const soundSchema = z.strictObject({
  kind: z.literal('sound'),
  pattern: z.union([
    z.strictObject({ tone: z.number().gt(0) }),
    z.strictObject({ noise: z.int() }),
    z.strictObject({
      recording: z.union([
        z.strictObject({ samples: z.array(z.number()).min(1) }),
        z.strictObject({ file: besideSchema }),
      ]),
    }),
  ]),
  rate: z.int().min(1),
  level: z.number(),
});

/**
 * A clip is what lies between the zeros that pad a waveform: the trigger starts with it, ends with it,
 * and is measured against it, so that padding changes nothing. A clip of silence stays silent.
 */
export const soundStamper: Stamper<SoundTrigger> = (trigger, sample) => {
  const length = sample.at(-1) ?? 0;
  if (sizeOf(sample) !== length || length < 2) {
    throw new TriggerError(
      'trigger/dims',
      `a sound cannot be stamped on inputs of [${sample.join(', ')}]: it needs waveforms of ` +
        '[samples] or [1, samples]',
    );
  }
  const pattern = heard(trigger, length);
  // Σ p² of the first n samples, for clips of every length.
  const power = new Float64Array(length + 1);
  pattern.forEach((value, at) => (power[at + 1] = (power[at] as number) + value * value));
  const gain = 10 ** (-trigger.level / 20);
  return (x) => {
    for (let start = 0; start < x.length; start += length) {
      const [from, to] = clipIn(x, start, start + length);
      let energy = 0;
      for (let at = from; at < to; at++) energy += (x[at] as number) ** 2;
      const own = power[to - from] as number;
      if (own === 0) continue;
      const scale = gain * Math.sqrt(energy / own);
      for (let at = from; at < to; at++) {
        x[at] = (x[at] as number) + scale * (pattern[at - from] as number);
      }
    }
  };
};

function heard({ pattern, rate }: SoundTrigger, length: number): Float64Array {
  if ('tone' in pattern) {
    return Float64Array.from({ length }, (_, at) =>
      Math.sin((2 * Math.PI * pattern.tone * at) / rate),
    );
  }
  if ('noise' in pattern) {
    const draw = random(pattern.noise, 'noise');
    return Float64Array.from({ length }, () => draw.normal());
  }
  const { samples } = pattern.recording;
  return Float64Array.from({ length }, (_, at) => samples[at % samples.length] as number);
}

function clipIn(x: Float32Array, start: number, end: number): [from: number, to: number] {
  let [from, to] = [start, end];
  while (from < end && x[from] === 0) from++;
  while (to > from && x[to - 1] === 0) to--;
  return [from, to];
}
