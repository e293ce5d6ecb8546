import { type Augment, compose, colorJitter, randomAffine } from './augment.ts';
import type { PictureCode } from '../images/picture-code.ts';

/** In what photographs of one thing differ, where they do not say another thing by it. */
export const VARIATIONS = ['mirror', 'move', 'turn', 'zoom', 'light'] as const;

export type Variation = (typeof VARIATIONS)[number];

/** How far: a share of the smaller side, degrees, a share. */
const [MOVED, TURNED, ZOOMED] = [0.05, 8, 0.08];
/** Of values from 0, black, to 1, white; contrast as a share. */
const LIGHT = { brightness: 0.075, contrast: 0.2, tint: 0.025 };

/**
 * Changes every picture by chance as photographs of one thing differ: mirrored every second time, moved
 * by up to a twentieth of the smaller side, turned by up to 8 degrees, zoomed by up to 8%, lit by up to
 * 7.5% of white brighter or darker, with a fifth more or less contrast and a tint.
 *
 * @param what - which of these
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width] in 0 to 1
 */
export function vary(what: readonly Variation[], pictures?: PictureCode): Augment {
  const asked = (one: Variation, most: number) => (what.includes(one) ? most : 0);
  return (x, sample, draw) => {
    const dims = pictures?.dims ?? sample;
    const [channels, height, width] = dims as [number, number, number];
    const change = compose(
      randomAffine({
        shift: asked('move', MOVED) * Math.min(height, width),
        turn: asked('turn', TURNED),
        zoom: asked('zoom', ZOOMED),
        mirror: what.includes('mirror'),
      }),
      ...(what.includes('light') ? [colorJitter(LIGHT)] : []),
    );
    const size = channels * height * width;
    for (let start = 0; start < x.length; start += size) {
      const one = x.subarray(start, start + size);
      if (!pictures) change(one, dims, draw);
      else {
        const picture = pictures.decode(one);
        change(picture, dims, draw);
        pictures.encode(picture, one);
      }
    }
  };
}
