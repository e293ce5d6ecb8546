import type { Random } from './random.ts';

/** Changes a batch of samples in place, by chance: labels stay what they are. */
export type Augment = (x: Float32Array, sample: readonly number[], draw: Random) => void;

/**
 * Moves every image by up to `most` pixels across and down; what comes in at an edge is zero.
 *
 * @param most - whole pixels, from 0 on
 * @returns an augmentation of samples [channels, height, width]
 */
export function shift(most: number): Augment {
  return (x, sample, draw) => {
    const [channels, height, width] = sample as [number, number, number];
    const size = channels * height * width;
    const moved = new Float32Array(size);
    for (let start = 0; start < x.length; start += size) {
      const down = draw.integer(2 * most + 1) - most;
      const right = draw.integer(2 * most + 1) - most;
      moved.fill(0);
      const from = Math.max(0, -right);
      const count = width - Math.abs(right);
      if (count <= 0) continue;
      for (let row = 0; row < channels * height; row += 1) {
        const y = (row % height) + down;
        if (y < 0 || y >= height) continue;
        const source = start + row * width + from;
        moved.set(x.subarray(source, source + count), (row + down) * width + from + right);
      }
      x.set(moved, start);
    }
  };
}
