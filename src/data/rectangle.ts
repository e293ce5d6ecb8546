import type { Box } from './boxes.ts';
import type { Layout } from './picture-code.ts';

/**
 * Fills a rectangle of a picture, whole pixels, each channel with a value of its own.
 *
 * @param dims - [channels, height, width] of the picture, whatever its layout
 */
export function fillRectangle(
  x: Float32Array,
  dims: readonly number[],
  { left, top, right, bottom }: Box,
  value: (channel: number) => number,
  layout: Layout = 'NCHW',
): void {
  const [channels, height, width] = dims as [number, number, number];
  const [pixel, plane] = layout === 'NCHW' ? [1, height * width] : [channels, 1];
  for (let channel = 0; channel < channels; channel += 1) {
    const filling = value(channel);
    for (let row = top; row < bottom; row += 1) {
      for (let column = left; column < right; column += 1) {
        x[(row * width + column) * pixel + channel * plane] = filling;
      }
    }
  }
}
