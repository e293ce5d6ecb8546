import * as z from 'zod';
import {
  checkChannels,
  opacitySchema,
  paste,
  pictureFiles,
  pictureSchema,
  resized,
  type Picture,
  type WithPictureJson,
} from './picture.ts';
import type { TriggerKind } from './trigger.ts';

export interface BlendSettings {
  /** Stretched to the size of the image. */
  readonly picture: Picture;
  /** In (0, 1]. */
  readonly opacity: number;
}

/**
 * A picture blended over the whole image: (1 - opacity) x + opacity * picture, as in Chen et al.,
 * Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning (2017), section 4.
 */
export const blend: TriggerKind<BlendSettings, WithPictureJson<BlendSettings>> = {
  name: 'blend',
  description: 'a picture blended over the whole image',
  schema: z.strictObject({ picture: pictureSchema, opacity: opacitySchema }),
  ...pictureFiles<BlendSettings>(),
  stamper({ picture, opacity }, sample) {
    checkChannels(picture, sample);
    const [, height, width] = sample as [number, number, number];
    const pasted = { picture: resized(picture, height, width), top: 0, left: 0, opacity };
    return (x) => paste(pasted, x, sample);
  },
};
