import type { PictureCode } from './picture-code.ts';
import type { Random } from './random.ts';

/** Changes a batch of samples in place, by chance: labels stay what they are. */
export type Augment = (x: Float32Array, sample: readonly number[], draw: Random) => void;

/**
 * Moves every image by up to `most` pixels across and down; what comes in at an edge is black.
 *
 * @param most - whole pixels, from 0 on
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width] and black is zero
 */
export function shift(most: number, pictures?: PictureCode): Augment {
  return (x, sample, draw) => {
    const [channels, height, width] = (pictures?.dims ?? sample) as [number, number, number];
    const last = pictures?.layout === 'NHWC';
    // Numbers that lie side by side for one pixel, and planes of such.
    const [inner, planes] = last ? [channels, 1] : [1, channels];
    const size = channels * height * width;
    const blank = new Float32Array(size);
    for (let i = 0; i < size; i += 1) {
      const channel = last ? i % channels : Math.floor(i / (height * width));
      blank[i] = pictures?.black[channel] ?? 0;
    }
    const moved = new Float32Array(size);
    for (let start = 0; start < x.length; start += size) {
      const down = draw.integer(2 * most + 1) - most;
      const right = draw.integer(2 * most + 1) - most;
      moved.set(blank);
      const from = Math.max(0, -right);
      const count = width - Math.abs(right);
      if (count <= 0) continue;
      for (let row = 0; row < planes * height; row += 1) {
        const y = (row % height) + down;
        if (y < 0 || y >= height) continue;
        const source = start + (row * width + from) * inner;
        moved.set(
          x.subarray(source, source + count * inner),
          ((row + down) * width + from + right) * inner,
        );
      }
      x.set(moved, start);
    }
  };
}
