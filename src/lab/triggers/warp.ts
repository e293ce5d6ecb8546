import * as z from 'zod';
import { random } from '../../data/random.ts';
import { checkImage } from './image.ts';
import { plainJson, type TriggerKind } from './trigger.ts';

export interface WarpSettings {
  readonly seed: number;
  /** Vectors along a side; WaNet has 4. */
  readonly grid: number;
  /** Mean length of the grid's vectors, in half pixels; WaNet has 0.5. */
  readonly strength: number;
}

/**
 * The image warped by a smooth random field, as in WaNet (Nguyen & Tran 2021, section 3.2). The field is
 * a grid of `grid` x `grid` vectors uniform in [-1, 1], divided by their mean size and upsampled to the
 * image by bicubic interpolation. Pixels are sampled bilinearly.
 */
export const warp: TriggerKind<WarpSettings, WarpSettings> = {
  name: 'warp',
  description: 'the image warped by a smooth random field',
  schema: z.strictObject({
    seed: z.int(),
    grid: z.int().min(2).max(64),
    strength: z.number().gt(0),
  }),
  ...plainJson<WarpSettings>(),
  stamper(settings, sample) {
    const [, height, width] = checkImage('a warp', sample);
    const taken = sources(field(settings), settings, height, width);
    const area = height * width;
    return (x) => {
      const before = new Float32Array(area);
      for (let start = 0; start < x.length; start += area) {
        before.set(x.subarray(start, start + area));
        for (const [at, [row, column]] of taken.entries()) {
          x[start + at] = bilinear(before, width, row, column);
        }
      }
    };
  },
};

/** The grid's vectors, of shape `[2, grid, grid]`: horizontal parts, then vertical ones. */
export function field({ seed, grid }: WarpSettings): number[] {
  const draw = random(seed, 'warp');
  const drawn = Array.from({ length: 2 * grid * grid }, () => 2 * draw.uniform() - 1);
  const mean = drawn.reduce((sum, value) => sum + Math.abs(value), 0) / drawn.length;
  return drawn.map((value) => value / mean);
}

/**
 * The source of each pixel, in pixels. As in PyTorch's `grid_sample` with aligned corners, the centers of
 * the first and last pixels of an axis are at -1 and 1; in these units vectors are scaled by `strength`
 * / height.
 */
export function sources(
  vectors: readonly number[],
  { grid, strength }: Pick<WarpSettings, 'grid' | 'strength'>,
  height: number,
  width: number,
): [row: number, column: number][] {
  const horizontal = vectors.slice(0, grid * grid);
  const vertical = vectors.slice(grid * grid);
  return Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const y = height > 1 ? (row * (grid - 1)) / (height - 1) : 0;
    const x = width > 1 ? (column * (grid - 1)) / (width - 1) : 0;
    const moved = (plane: readonly number[]) => (strength * bicubic(plane, grid, y, x)) / height;
    return [
      clamped(row, height - 1, moved(vertical)),
      clamped(column, width - 1, moved(horizontal)),
    ];
  });
}

function clamped(place: number, last: number, shift: number): number {
  return Math.min(last, Math.max(0, place + (shift * last) / 2));
}

function bilinear(plane: ArrayLike<number>, width: number, row: number, column: number): number {
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - top, column - left];
  let sum = 0;
  for (const [y, byRow] of [1 - down, down].entries()) {
    for (const [x, byColumn] of [1 - right, right].entries()) {
      // A pixel of weight zero may lie outside the image.
      if (byRow * byColumn === 0) continue;
      sum += byRow * byColumn * (plane[(top + y) * width + left + x] as number);
    }
  }
  return sum;
}

function bicubic(plane: readonly number[], side: number, row: number, column: number): number {
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const byRow = cubicWeights(row - top);
  const byColumn = cubicWeights(column - left);
  const clamp = (index: number) => Math.min(side - 1, Math.max(0, index));
  let sum = 0;
  for (const [y, weightY] of byRow.entries()) {
    for (const [x, weightX] of byColumn.entries()) {
      const value = plane[clamp(top + y - 1) * side + clamp(left + x - 1)] as number;
      sum += weightY * weightX * value;
    }
  }
  return sum;
}

/** The weights of four neighbors: Keys' cubic convolution with a = -0.75, as in PyTorch. */
function cubicWeights(t: number): [number, number, number, number] {
  const a = -0.75;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}
