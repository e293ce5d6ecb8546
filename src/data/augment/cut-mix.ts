import { sizeOf } from '../../onnx/tensor.ts';
import type { Augment } from './augment.ts';
import type { PictureCode } from '../images/picture-code.ts';
import { inRectangle, randomRectangle, strides } from '../images/rectangle.ts';

/** The largest change of brightness of a patch, where 0 is black and 1 is white. */
const BRIGHTNESS = 0.4;
/** The largest factor of its contrast around gray; the smallest is 0, a plain color. */
const CONTRAST = 2;
/** The smallest opacity of a patch. */
const MIN_OPACITY = 0.4;

/**
 * Pastes a patch of another image over a random part of every image: a rectangle of the next image in the
 * batch, with random contrast, brightness and opacity. This is CutMix (Yun et al. 2019) without mixing the
 * labels: the network learns that nothing pasted over an image, plain or realistic, decides its class.
 *
 * @param most - the largest side of a patch, as a share of the image's
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width], and patches are 0
 */
export function cutMix(most: number, pictures?: PictureCode): Augment {
  return (x, sample, draw) => {
    const dims = (pictures?.dims ?? sample) as [number, number, number];
    const [channels, height, width] = dims;
    const size = sizeOf(dims);
    const [pixel] = strides(dims, pictures?.layout);
    const shades = Array.from({ length: channels }, (_, channel) => shadesOf(channel, pictures));
    for (let start = 0; start < x.length; start += size) {
      const box = randomRectangle(dims, most, draw);
      const down = draw.integer(height - (box.bottom - box.top) + 1) - box.top;
      const right = draw.integer(width - (box.right - box.left) + 1) - box.left;
      const source = ((start + size) % x.length) + (down * width + right) * pixel;
      const contrast = CONTRAST * draw.uniform();
      const brightness = BRIGHTNESS * (2 * draw.uniform() - 1);
      const opacity = MIN_OPACITY + (1 - MIN_OPACITY) * draw.uniform();
      const paste = (at: number, channel: number) => {
        const { gray, range, low, high } = shades[channel] as Shades;
        const jittered = gray + contrast * ((x[source + at] as number) - gray) + brightness * range;
        const patch = Math.min(Math.max(jittered, low), high);
        const original = x[start + at] as number;
        x[start + at] = original + opacity * (patch - original);
      };
      inRectangle(dims, box, paste, pictures?.layout);
    }
  };
}

type Shades = ReturnType<typeof shadesOf>;

/** The range of a channel, in the values of samples; `range` is from black to white. */
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
