import { type Augment, compose, colorJitter, randomAffine } from './augment.ts';
import type { PictureCode } from '../images/picture-code.ts';

/** The random changes of images that `imageAugmentation` knows. Use those that keep the label. */
export const AUGMENTATIONS = ['flip', 'translate', 'rotate', 'scale', 'color'] as const;

export type AugmentationName = (typeof AUGMENTATIONS)[number];

/** Limits: a share of the smaller side, degrees, a share. */
const [TRANSLATION, ROTATION, SCALE] = [0.05, 8, 0.08];
/** In values from 0, black, to 1, white; contrast as a share. */
const COLOR = { brightness: 0.075, contrast: 0.2, tint: 0.025 };

/**
 * Changes every image at random: flipped horizontally with probability 1/2, translated by up to a
 * twentieth of the smaller side, rotated by up to 8 degrees, scaled by up to 8%, and changed in color (up
 * to 7.5% of white brighter or darker, up to a fifth more or less contrast, and a tint).
 *
 * @param names - which of these changes; their order does not matter
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width] in 0 to 1
 */
export function imageAugmentation(
  names: readonly AugmentationName[],
  pictures?: PictureCode,
): Augment {
  const limit = (name: AugmentationName, most: number) => (names.includes(name) ? most : 0);
  return (x, sample, draw) => {
    const dims = pictures?.dims ?? sample;
    const [channels, height, width] = dims as [number, number, number];
    const change = compose(
      randomAffine({
        translate: limit('translate', TRANSLATION) * Math.min(height, width),
        rotate: limit('rotate', ROTATION),
        scale: limit('scale', SCALE),
        flip: names.includes('flip'),
      }),
      ...(names.includes('color') ? [colorJitter(COLOR)] : []),
    );
    const size = channels * height * width;
    for (let start = 0; start < x.length; start += size) {
      const image = x.subarray(start, start + size);
      if (!pictures) change(image, dims, draw);
      else {
        const picture = pictures.decode(image);
        change(picture, dims, draw);
        pictures.encode(picture, image);
      }
    }
  };
}
