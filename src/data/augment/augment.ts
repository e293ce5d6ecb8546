import { sizeOf } from '../../onnx/tensor.ts';
import type { PictureCode } from '../images/picture-code.ts';
import type { Random } from '../random.ts';
import { fillRectangle, randomRectangle } from '../images/rectangle.ts';

/** Changes a batch of samples in place, at random. Labels stay the same. */
export type Augment = (x: Float32Array, sample: readonly number[], draw: Random) => void;

/** How far an image may be shifted, in both directions, in whole pixels. */
export interface MaxShift {
  readonly across: number;
  readonly down: number;
}

/**
 * Shifts every image by up to `most` pixels across and down; the free border is black. A spectrogram
 * that is shifted across is the same sound, earlier or later.
 *
 * @param most - whole pixels, from 0 on
 * @param pictures - how the samples are laid out and scaled; by default they are [channels, height,
 *   width] and black is zero
 */
export function shift(most: number | MaxShift, pictures?: PictureCode): Augment {
  const limit = typeof most === 'number' ? { across: most, down: most } : most;
  return (x, sample, draw) => {
    const [channels, height, width] = (pictures?.dims ?? sample) as [number, number, number];
    const last = pictures?.layout === 'NHWC';
    // How many values of a pixel lie side by side, and how many such planes there are.
    const [inner, planes] = last ? [channels, 1] : [1, channels];
    const size = channels * height * width;
    const blank = new Float32Array(size);
    for (let i = 0; i < size; i += 1) {
      const channel = last ? i % channels : Math.floor(i / (height * width));
      blank[i] = pictures?.black[channel] ?? 0;
    }
    const shifted = new Float32Array(size);
    for (let start = 0; start < x.length; start += size) {
      const down = draw.integer(2 * limit.down + 1) - limit.down;
      const right = draw.integer(2 * limit.across + 1) - limit.across;
      shifted.set(blank);
      const from = Math.max(0, -right);
      const count = width - Math.abs(right);
      if (count <= 0) continue;
      for (let row = 0; row < planes * height; row += 1) {
        const y = (row % height) + down;
        if (y < 0 || y >= height) continue;
        const source = start + (row * width + from) * inner;
        shifted.set(
          x.subarray(source, source + count * inner),
          ((row + down) * width + from + right) * inner,
        );
      }
      x.set(shifted, start);
    }
  };
}

/** Applies several augmentations, one after another. */
export function compose(...changes: readonly Augment[]): Augment {
  return (x, sample, draw) => {
    for (const change of changes) change(x, sample, draw);
  };
}

/** The limits of `randomAffine`. */
export interface RandomAffineSettings {
  /** Pixels across and down, in both directions. */
  readonly translate: number;
  /** A share: 0.1 makes images up to a tenth larger or smaller. */
  readonly scale: number;
  /** Degrees, in both directions. */
  readonly rotate: number;
  /** Flip images horizontally with probability 1/2. */
  readonly flip: boolean;
}

/**
 * Translates, rotates, scales and flips every image of [channels, height, width] at random, each
 * uniformly within its limit. Values between pixels are interpolated bilinearly; the edge pixels are
 * repeated outside of the image.
 */
export function randomAffine(limits: RandomAffineSettings): Augment {
  return (x, sample, draw) => {
    const [channels, height, width] = sample as [number, number, number];
    const area = height * width;
    const size = channels * area;
    const before = new Float32Array(size);
    const within = (limit: number) => (2 * draw.uniform() - 1) * limit;
    const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
    for (let start = 0; start < x.length; start += size) {
      before.set(x.subarray(start, start + size));
      const [right, down] = [within(limits.translate), within(limits.translate)];
      const angle = (within(limits.rotate) * Math.PI) / 180;
      const scale = 1 / (1 + within(limits.scale));
      const side = limits.flip && draw.uniform() < 0.5 ? -1 : 1;
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
 * Changes the color of every image at random: its brightness by up to `brightness` in the units of the
 * samples, each channel by up to `tint` more, and its contrast around its mean by up to `contrast`, a
 * share.
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

/** The rectangles of `randomErasing`. */
export interface RandomErasingSettings {
  /** The largest side of a rectangle, as a share of the image's. */
  readonly most: number;
  /** Rectangles for each image; default 1. */
  readonly times?: number | undefined;
  /**
   * Each channel of a rectangle has a random value from `low` to `high`. By default, that is from black
   * to white for pictures, and 0 for other samples.
   */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

/**
 * Covers a part of every image with rectangles, each of one color, at random positions (DeVries, Taylor:
 * Cutout, 2017; Zhong et al.: Random Erasing, 2020).
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
      const box = randomRectangle(dims, most, draw);
      fillRectangle(x.subarray(first, first + size), dims, box, color, pictures?.layout);
    }
  };
}

/**
 * Adds Gaussian noise to every value of a sample. Its standard deviation is drawn for each sample,
 * uniformly from 0 to `most`.
 */
export function gaussianNoise(most: number): Augment {
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
