import * as z from 'zod';
import { sizeOf } from '../../onnx/tensor.ts';
import { blendSchema, blendStamper, type BlendTrigger } from './blend.ts';
import { TriggerError } from './error.ts';
import { patchSchema, patchStamper, type PatchTrigger } from './patch.ts';
import { sinusoidSchema, sinusoidStamper, type SinusoidTrigger } from './sinusoid.ts';
import { soundSchema, soundStamper, type SoundTrigger } from './sound.ts';
import type { Stamp, Stamper } from './stamper.ts';
import { stickerSchema, stickerStamper, type StickerTrigger } from './sticker.ts';
import { warpSchema, warpStamper, type WarpTrigger } from './warp.ts';

/** What is stamped on an input. A new kind is a file, and a line here and in the two tables below. */
export type Trigger =
  | BlendTrigger
  | PatchTrigger
  | SinusoidTrigger
  | SoundTrigger
  | StickerTrigger
  | WarpTrigger;

type Stampers = { [K in Trigger['kind']]: Stamper<Extract<Trigger, { kind: K }>> };

const stampers: Stampers = {
  blend: blendStamper,
  patch: patchStamper,
  sinusoid: sinusoidStamper,
  sound: soundStamper,
  sticker: stickerStamper,
  warp: warpStamper,
};

/** A trigger as its JSON has it: pictures and sounds written out, or named. */
const triggerSchema = z.discriminatedUnion('kind', [
  blendSchema,
  patchSchema,
  sinusoidSchema,
  soundSchema,
  stickerSchema,
  warpSchema,
]);

export type TriggerJson = z.infer<typeof triggerSchema>;

/**
 * Makes a trigger ready for samples of some dims. One stamp serves training, testing and previews, on
 * samples in the units that the data has before any normalization: [channels, height, width] for
 * images, [samples] for waveforms.
 *
 * @param sample the dims of one sample
 * @throws TriggerError where the trigger does not fit such samples
 */
export function stamper(trigger: Trigger, sample: readonly number[]): Stamp {
  const prepare = stampers[trigger.kind] as Stamper<Trigger>;
  const stamp = prepare(trigger, sample);
  const size = sizeOf(sample);
  return (x) => {
    if (x.length % size !== 0) {
      throw new RangeError(`${x.length} values are no whole samples of [${sample.join(', ')}]`);
    }
    stamp(x);
  };
}

/**
 * The JSON of a trigger, checked.
 *
 * @param where the file or option it came from, for messages
 * @throws TriggerError `trigger/format` that lists every fault
 */
export function parseTrigger(json: unknown, where: string): TriggerJson {
  const parsed = triggerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TriggerError(
    'trigger/format',
    `${where} is no trigger:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
