import { sizeOf } from '../../onnx/tensor.ts';
import type { Augment } from './augment.ts';
import type { PictureCode } from '../images/picture-code.ts';
import { inRectangle, someRectangle, strides } from '../images/rectangle.ts';

/** Of values from 0, black, to 1, white: a piece is up to so much brighter or darker. */
const BRIGHTER = 0.4;
/** Its contrast, about gray, is from none, which is a plain color, to so many times as much. */
const CONTRAST = 2;
/** It shows through at most so far that it has this share. */
const THIN = 0.4;

/**
 * Lays a piece of another picture, at any place, over a part of every picture: a rectangle out of the
 * next of the batch, at a contrast from none to twice as much, brighter or darker, and so thin that the
 * picture may show through. CutMix (Yun et al. 2019), but the label stays whose it is: nothing that is
 * put over a picture, be it a plain color or like something real, shall say anything.
 *
 * @param most - sides of a rectangle, as shares of the picture's: up to this
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width], and what covers them is 0
 */
export function cutMix(most: number, pictures?: PictureCode): Augment {
  return (x, sample, draw) => {
    const dims = (pictures?.dims ?? sample) as [number, number, number];
    const [channels, height, width] = dims;
    const size = sizeOf(dims);
    const [pixel] = strides(dims, pictures?.layout);
    const shades = Array.from({ length: channels }, (_, channel) => shadesOf(channel, pictures));
    for (let start = 0; start < x.length; start += size) {
      const box = someRectangle(dims, most, draw);
      const down = draw.integer(height - (box.bottom - box.top) + 1) - box.top;
      const right = draw.integer(width - (box.right - box.left) + 1) - box.left;
      const piece = ((start + size) % x.length) + (down * width + right) * pixel;
      const contrast = CONTRAST * draw.uniform();
      const brighter = BRIGHTER * (2 * draw.uniform() - 1);
      const share = THIN + (1 - THIN) * draw.uniform();
      const lay = (at: number, channel: number) => {
        const { gray, range, low, high } = shades[channel] as Shades;
        const toned = gray + contrast * ((x[piece + at] as number) - gray) + brighter * range;
        const laid = Math.min(Math.max(toned, low), high);
        const under = x[start + at] as number;
        x[start + at] = under + share * (laid - under);
      };
      inRectangle(dims, box, lay, pictures?.layout);
    }
  };
}

type Shades = ReturnType<typeof shadesOf>;

/** What a channel may be of, in the numbers of samples; `range` is from black to white. */
function shadesOf(channel: number, pictures?: PictureCode) {
  const black = pictures?.black[channel] ?? 0;
  const white = pictures?.white[channel] ?? 0;
  return {
    gray: (black + white) / 2,
    range: white - black,
    low: Math.min(black, white),
    high: Math.max(black, white),
  };
}
