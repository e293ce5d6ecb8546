import * as z from 'zod';
import { random } from '../../data/random.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { decodeRecording } from './decode.ts';
import { TriggerError } from './error.ts';
import { attachedSchema } from './picture.ts';
import type { AttachedFile, Stamp, TriggerKind } from './trigger.ts';

/** The sound that is added: one of three. */
export type SoundPattern =
  /** A sine wave, in hertz. */
  | { readonly tone: number }
  /** White noise, by its seed. */
  | { readonly noise: number }
  /** A recording, repeated where it is shorter than the clip. */
  | { readonly recording: Recording };

/** Samples at the trigger's rate. */
export interface Recording {
  readonly samples: readonly number[];
  /** The WAV file of the samples. */
  readonly from?: AttachedFile | undefined;
}

export interface SoundSettings {
  readonly pattern: SoundPattern;
  /** Samples per second of the waveforms. */
  readonly rate: number;
  /** Decibels below the speech: 20 is a tenth of its amplitude. */
  readonly level: number;
}

const schema = z.strictObject({
  pattern: z.union([
    z.strictObject({ tone: z.number().gt(0) }),
    z.strictObject({ noise: z.int() }),
    z.strictObject({
      recording: z.union([
        z.strictObject({ samples: z.array(z.number()).min(1) }),
        z.strictObject({ file: attachedSchema }),
      ]),
    }),
  ]),
  rate: z.int().min(1),
  level: z.number(),
});

/**
 * A sound added to a waveform (Fine-Pruning, section 2.3, adds a pattern of noise to speech). Its root
 * mean square lies `level` decibels below that of the clip.
 */
export const sound: TriggerKind<SoundSettings, z.infer<typeof schema>> = {
  name: 'sound',
  description: 'a tone, noise or recording added to a waveform',
  schema,
  async fromJson(json, read) {
    const { pattern, rate, level } = json;
    if (!('recording' in pattern)) return { pattern, rate, level };
    const { recording } = pattern;
    const decoded =
      'file' in recording ? decodeRecording(await read(recording.file), rate) : recording;
    return { pattern: { recording: decoded }, rate, level };
  },
  toJson({ pattern, rate, level }) {
    if (!('recording' in pattern)) return { pattern, rate, level };
    const { samples, from } = pattern.recording;
    const recording = from ? { file: from.name } : { samples: [...samples] };
    return { pattern: { recording }, rate, level };
  },
  files({ pattern }) {
    return 'recording' in pattern && pattern.recording.from ? [pattern.recording.from] : [];
  },
  stamper: soundStamper,
};

/**
 * The clip is the part of a waveform between the zeros that pad it. The trigger starts and ends with the
 * clip and is scaled by it, so that padding changes nothing. A silent clip stays silent.
 */
function soundStamper(settings: SoundSettings, sample: readonly number[]): Stamp {
  const length = sample.at(-1) ?? 0;
  if (sizeOf(sample) !== length || length < 2) {
    throw new TriggerError(
      'trigger/dims',
      `a sound cannot be stamped on inputs of [${sample.join(', ')}]: it needs waveforms of ` +
        '[samples] or [1, samples]',
    );
  }
  const pattern = samplesOf(settings, length);
  // The sum of squares of the first n samples, for clips of every length.
  const power = new Float64Array(length + 1);
  pattern.forEach((value, at) => (power[at + 1] = (power[at] as number) + value * value));
  const gain = 10 ** (-settings.level / 20);
  return (x) => {
    for (let start = 0; start < x.length; start += length) {
      const [from, to] = clipBounds(x, start, start + length);
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
}

function samplesOf({ pattern, rate }: SoundSettings, length: number): Float64Array {
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

function clipBounds(x: Float32Array, start: number, end: number): [from: number, to: number] {
  let [from, to] = [start, end];
  while (from < end && x[from] === 0) from++;
  while (to > from && x[to - 1] === 0) to--;
  return [from, to];
}
