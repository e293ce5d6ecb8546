import * as z from 'zod';
import { checkChannels, paste, pictureSchema, resized, type Picture } from './picture.ts';
import { opacitySchema } from './patch.ts';
import type { Stamper } from './stamper.ts';

/**
 * A picture over the whole image, blended in: (1 - opacity) x + opacity * picture, as Chen et al.,
 * Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning (2017), section 4.
 */
export interface BlendTrigger {
  readonly kind: 'blend';
  /** Stretched to the size of the image. */
  readonly picture: Picture;
  /** In (0, 1]. */
  readonly opacity: number;
}

export const blendSchema = z.strictObject({
  kind: z.literal('blend'),
  picture: pictureSchema,
  opacity: opacitySchema,
});

export const blendStamper: Stamper<BlendTrigger> = ({ picture, opacity }, sample) => {
  checkChannels(picture, sample);
  const [, height, width] = sample as [number, number, number];
  const pasted = { picture: resized(picture, height, width), top: 0, left: 0, opacity };
  return (x) => paste(pasted, x, sample);
};
