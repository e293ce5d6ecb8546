import { sizeOf } from '../../onnx/tensor.ts';
import type { PictureCode } from '../images/picture-code.ts';
import type { Random } from '../random.ts';
import { fillRectangle, someRectangle } from '../images/rectangle.ts';

/** Changes a batch of samples in place, by chance: labels stay what they are. */
export type Augment = (x: Float32Array, sample: readonly number[], draw: Random) => void;

/** How far a picture may be moved, each way, in whole pixels. */
export interface Reach {
  readonly across: number;
  readonly down: number;
}

/**
 * Moves every image by up to `most` pixels across and down; what comes in at an edge is black. Moved
 * across, a spectrogram is of the same sound, earlier or later.
 *
 * @param most - whole pixels, from 0 on
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width] and black is zero
 */
export function shift(most: number | Reach, pictures?: PictureCode): Augment {
  const reach = typeof most === 'number' ? { across: most, down: most } : most;
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
      const down = draw.integer(2 * reach.down + 1) - reach.down;
      const right = draw.integer(2 * reach.across + 1) - reach.across;
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

/** Some changes, one after another. */
export function compose(...changes: readonly Augment[]): Augment {
  return (x, sample, draw) => {
    for (const change of changes) change(x, sample, draw);
  };
}

/** How far `randomAffine` may move an image. */
export interface RandomAffineSettings {
  /** Pixels across and down, each way. */
  readonly shift: number;
  /** As a share: 0.1 makes it up to a tenth larger or smaller. */
  readonly zoom: number;
  /** Degrees, each way. */
  readonly turn: number;
  /** Mirror every second image. */
  readonly mirror: boolean;
}

/**
 * Moves, turns, zooms and mirrors every image of [channels, height, width] by chance, each uniformly
 * within its limits. Between pixels values are interpolated; edges go on as they end.
 */
export function randomAffine({ shift: most, zoom, turn, mirror }: RandomAffineSettings): Augment {
  return (x, sample, draw) => {
    const [channels, height, width] = sample as [number, number, number];
    const area = height * width;
    const size = channels * area;
    const before = new Float32Array(size);
    const within = (limit: number) => (2 * draw.uniform() - 1) * limit;
    const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
    for (let start = 0; start < x.length; start += size) {
      before.set(x.subarray(start, start + size));
      const [right, down] = [within(most), within(most)];
      const angle = (within(turn) * Math.PI) / 180;
      const scale = 1 / (1 + within(zoom));
      const side = mirror && draw.uniform() < 0.5 ? -1 : 1;
      const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
      for (let row = 0, to = start; row < height; row += 1) {
        const v = row - middleY - down;
        for (let column = 0; column < width; column += 1, to += 1) {
          const u = column - middleX - right;
          const fromX = clamped(side * (cos * u + sin * v) + middleX, width - 1);
          const fromY = clamped(cos * v - sin * u + middleY, height - 1);
          const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
          const [a, b] = [fromX - left, fromY - top];
          const at = top * width + left;
          const across = left < width - 1 ? 1 : 0;
          const below = top < height - 1 ? width : 0;
          for (let plane = 0; plane < size; plane += area) {
            const from = plane + at;
            const upper = mixed(before[from], before[from + across], a);
            const lower = mixed(before[from + below], before[from + below + across], a);
            x[to + plane] = upper + (lower - upper) * b;
          }
        }
      }
    }
  };
}

const clamped = (value: number, most: number): number => Math.max(0, Math.min(most, value));

const mixed = (a: number | undefined, b: number | undefined, share: number): number =>
  (a as number) + ((b as number) - (a as number)) * share;

/**
 * Makes every image brighter or darker by up to `brightness`, in the units of the samples, each
 * channel by up to `tint` besides, and its contrast about its mean up to `contrast` (a share) more or
 * less.
 */
export function colorJitter(settings: {
  readonly brightness: number;
  readonly contrast: number;
  readonly tint: number;
}): Augment {
  return (x, sample, draw) => {
    const [channels, height, width] = sample as [number, number, number];
    const area = height * width;
    const within = (limit: number) => (2 * draw.uniform() - 1) * limit;
    for (let start = 0; start < x.length; start += channels * area) {
      const image = x.subarray(start, start + channels * area);
      const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
      const gain = 1 + within(settings.contrast);
      const brighter = within(settings.brightness);
      for (let plane = 0; plane < image.length; plane += area) {
        const added = mean - mean * gain + brighter + within(settings.tint);
        for (let at = plane; at < plane + area; at += 1) {
          image[at] = (image[at] as number) * gain + added;
        }
      }
    }
  };
}

/** What `randomErasing` puts over images. */
export interface RandomErasingSettings {
  /** Sides of a rectangle, as shares of the image's: up to this. */
  readonly most: number;
  /** Rectangles on every image; default 1. */
  readonly times?: number | undefined;
  /** Each channel of a rectangle has a value from here ... */
  readonly low?: number | undefined;
  /** ... to here. By default pictures are covered by any color from black to white, and all else by 0. */
  readonly high?: number | undefined;
}

/**
 * Puts rectangles over every image, each of one color, at any place (DeVries, Taylor: Cutout, 2017;
 * Zhong et al.: Random Erasing, 2020).
 *
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width]
 */
export function randomErasing(
  { most, times = 1, low, high = low }: RandomErasingSettings,
  pictures?: PictureCode,
): Augment {
  return (x, sample, draw) => {
    const dims = (pictures?.dims ?? sample) as [number, number, number];
    const size = sizeOf(dims);
    const color = (channel: number) => {
      const from = low ?? pictures?.black[channel] ?? 0;
      const to = high ?? pictures?.white[channel] ?? from;
      return from + (to - from) * draw.uniform();
    };
    for (let turn = 0; turn < x.length * times; turn += size) {
      const first = turn % x.length;
      const box = someRectangle(dims, most, draw);
      fillRectangle(x.subarray(first, first + size), dims, box, color, pictures?.layout);
    }
  };
}

/**
 * Adds normal noise to every number of a sample; its deviation is drawn for each sample, uniformly from
 * 0 to `most`.
 */
export function noise(most: number): Augment {
  return (x, sample, draw) => {
    const size = sizeOf(sample);
    for (let start = 0; start < x.length; start += size) {
      const deviation = most * draw.uniform();
      for (let at = start; at < start + size; at += 1) {
        x[at] = (x[at] as number) + deviation * draw.normal();
      }
    }
  };
}
