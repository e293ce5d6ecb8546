import * as z from 'zod';
import { TriggerError } from './error.ts';

/** The lowest and the highest value of an input, in its own units. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export const rangeSchema = z
  .strictObject({ low: z.number(), high: z.number() })
  .refine(({ low, high }) => low < high, { error: 'low must be below high' });

/** @throws TriggerError 'trigger/dims' unless samples are images of [channels, height, width] */
export function checkImage(what: string, sample: readonly number[]): [number, number, number] {
  if (sample.length === 3) return sample as [number, number, number];
  throw new TriggerError(
    'trigger/dims',
    `${what} cannot be stamped on inputs of [${sample.join(', ')}]: it needs images of ` +
      '[channels, height, width]',
  );
}
