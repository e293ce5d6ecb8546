import type { Box } from '../scenes/boxes.ts';
import type { Layout } from './picture-code.ts';
import type { Random } from '../random.ts';

/**
 * A random rectangle in an image, in whole pixels.
 *
 * @param dims - [channels, height, width] of the image
 * @param most - the largest side, as a share of the image's, in [0, 1]
 */
export function randomRectangle(
  [, height, width]: readonly [number, number, number],
  most: number,
  draw: Random,
): Box {
  const tall = Math.round(draw.uniform() * most * height);
  const wide = Math.round(draw.uniform() * most * width);
  const top = draw.integer(height - tall + 1);
  const left = draw.integer(width - wide + 1);
  return { left, top, right: left + wide, bottom: top + tall };
}

/**
 * Fills a rectangle of an image, in whole pixels, with one value per channel.
 *
 * @param dims - [channels, height, width] of the image, whatever its layout
 */
export function fillRectangle(
  x: Float32Array,
  dims: readonly number[],
  box: Box,
  value: (channel: number) => number,
  layout?: Layout,
): void {
  const [channels] = dims as [number, number, number];
  const filling = Array.from({ length: channels }, (_, channel) => value(channel));
  const fill = (at: number, channel: number) => {
    x[at] = filling[channel] as number;
  };
  inRectangle(dims, box, fill, layout);
}

/** Calls `change` for every value of a rectangle, with its index in the image and its channel. */
export function inRectangle(
  dims: readonly number[],
  { left, top, right, bottom }: Box,
  change: (at: number, channel: number) => void,
  layout?: Layout,
): void {
  const [channels, height, width] = dims as [number, number, number];
  const [pixel, plane] = strides([channels, height, width], layout);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = top; row < bottom; row += 1) {
      for (let column = left; column < right; column += 1) {
        change((row * width + column) * pixel + channel * plane, channel);
      }
    }
  }
}

/** The distance in memory of two adjacent pixels, and of two channels of a pixel. */
export function strides(
  [channels, height, width]: readonly [number, number, number],
  layout: Layout = 'NCHW',
): [pixel: number, plane: number] {
  return layout === 'NCHW' ? [1, height * width] : [channels, 1];
}
