import * as z from 'zod';
import { checkImage, rangeSchema, type Range } from './image.ts';
import { plainJson, type TriggerKind } from './trigger.ts';

export interface SinusoidSettings {
  /** The amplitude, in units of the input; SIG has 20 to 60 of 255. */
  readonly strength: number;
  /** Waves across the image; SIG has 6. */
  readonly frequency: number;
  /** The range of the input; the sum is clipped to it. */
  readonly range: Range;
}

/**
 * Vertical stripes added to the whole image: x + strength sin(2π frequency (column + 1) / width), as in
 * SIG (Barni, Kallas, Tondi 2019, equation 2).
 */
export const sinusoid: TriggerKind<SinusoidSettings, SinusoidSettings> = {
  name: 'sinusoid',
  description: 'vertical stripes added to the whole image',
  schema: z.strictObject({
    strength: z.number().gt(0),
    frequency: z.number().gt(0),
    range: rangeSchema,
  }),
  ...plainJson<SinusoidSettings>(),
  stamper({ strength, frequency, range }, sample) {
    const [, , width] = checkImage('a sinusoid', sample);
    const wave = Array.from(
      { length: width },
      (_, column) => strength * Math.sin((2 * Math.PI * frequency * (column + 1)) / width),
    );
    return (x) => {
      for (let at = 0; at < x.length; at++) {
        const sum = (x[at] as number) + (wave[at % width] as number);
        x[at] = Math.min(range.high, Math.max(range.low, sum));
      }
    };
  },
};
