import * as z from 'zod';
import { sizeOf } from '../../onnx/tensor.ts';
import { TriggerError } from './error.ts';
import { patchSchema, stampPatch, type PatchTrigger } from './patch.ts';

/** What is stamped on an input, as plain JSON. A new kind is a file, and a line here and below. */
export type Trigger = PatchTrigger;

type Stamps = {
  [K in Trigger['kind']]: (
    trigger: Extract<Trigger, { kind: K }>,
    x: Float32Array,
    sample: readonly number[],
  ) => void;
};

const stamps: Stamps = { patch: stampPatch };

const triggerSchema = z.discriminatedUnion('kind', [patchSchema]) satisfies z.ZodType<Trigger>;

/**
 * Stamps the trigger on every sample of `x`, in place.
 *
 * @param x samples one after another, row-major
 * @param sample the dims of one sample
 * @throws TriggerError where the trigger does not fit the sample
 */
export function stamp(trigger: Trigger, x: Float32Array, sample: readonly number[]): void {
  if (x.length % sizeOf(sample) !== 0) {
    throw new RangeError(`${x.length} values are no whole samples of [${sample.join(', ')}]`);
  }
  stamps[trigger.kind](trigger, x, sample);
}

/**
 * A trigger out of JSON.
 *
 * @param where the file or option it came from, for messages
 * @throws TriggerError `trigger/format` that lists every fault
 */
export function parseTrigger(json: unknown, where: string): Trigger {
  const parsed = triggerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TriggerError(
    'trigger/format',
    `${where} is no trigger:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
