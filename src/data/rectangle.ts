import type { Box } from './boxes.ts';

/**
 * Fills a rectangle of a picture of [channels, height, width], whole pixels, each channel with a value
 * of its own.
 */
export function fillRectangle(
  x: Float32Array,
  sample: readonly number[],
  { left, top, right, bottom }: Box,
  value: () => number,
): void {
  const [channels, height, width] = sample as [number, number, number];
  for (let channel = 0; channel < channels; channel += 1) {
    const filling = value();
    for (let row = top; row < bottom; row += 1) {
      const line = (channel * height + row) * width;
      x.fill(filling, line + left, line + right);
    }
  }
}
