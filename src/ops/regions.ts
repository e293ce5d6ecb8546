import { floatOf, intOf, stringOf } from '../graph/index.ts';
import { floats } from './constants.ts';
import { reshape, transpose } from './emit.ts';
import { noGradient } from './refusal.ts';
import { BLOCKED } from './channel-rule.ts';
import { DATA, type Operator, plain } from './operator.ts';
import { none, type Tape } from './tape.ts';

/**
 * Each region is read by an interpolation matrix for its rows and one for its columns, Y = A X Bᵀ:
 * dX = Σ Aᵀ dY B over the regions of an image. Regions are taken as given: none of the gradient goes
 * to their corners, as is usual in training detectors.
 */
export const roiAlign: Operator = {
  gradient: (t) => {
    const [x, rois, images] = t.x as [string, string, string];
    if (stringOf(t.node, 'mode', 'avg') !== 'avg') {
      return noGradient(t.node, 'fineprune differentiates RoiAlign with the mode avg');
    }
    const [count, channels, height, width] = t.dims(x) as [number, number, number, number];
    const [regions, , rows, columns] = t.dims(t.y[0] as string) as [number, number, number, number];
    const [left, top, right, bottom] = t.ops('Split', [rois, t.ints([1, 1, 1, 1])], { axis: 1 }, 4);
    const a = interpolation(t, top as string, bottom as string, rows, height);
    const b = interpolation(t, left as string, right as string, columns, width);

    // dY B, for all regions and their rows one below the other.
    const across = t.op('MatMul', [t.dy[0] as string, reshape(t, b, [regions, 1, columns, width])]);
    const stacked = reshape(t, transpose(t, across, [0, 2, 1, 3]), [
      regions * rows,
      channels * width,
    ]);
    // Aᵀ, with zeros for the regions of other images, for all images one below the other.
    const own = t.op('Where', [
      t.op('Equal', [reshape(t, images, [1, 1, regions, 1]), numbered(t, count)]),
      transpose(t, a, [2, 0, 1]),
      t.scalar(0),
    ]);
    const down = reshape(t, own, [count * height, regions * rows]);
    const dx = reshape(t, t.op('MatMul', [down, stacked]), [count, height, channels, width]);
    return [transpose(t, dx, [0, 2, 1, 3])];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { detection: 'regions' },
};

/** 0, 1, ... of dims [images, 1, 1, 1], int64. */
function numbered(t: Tape, images: number): string {
  return reshape(t, t.ints(Array.from({ length: images }, (_, index) => index)), [images, 1, 1, 1]);
}

/**
 * How much each cell of each region reads of each element of an axis, [regions, cells, size]: the mean
 * over sampled points, each of which reads its two neighbors.
 */
function interpolation(t: Tape, low: string, high: string, cells: number, size: number): string {
  const samples = intOf(t.node, 'sampling_ratio', 0);
  if (samples === 0) {
    return noGradient(t.node, 'how many points it samples depends on the data (sampling_ratio 0)');
  }
  const halfPixel =
    stringOf(t.node, 'coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const scaled = (value: string) =>
    t.op('Mul', [value, t.scalar(floatOf(t.node, 'spatial_scale', 1))]);
  const start = halfPixel ? t.op('Sub', [scaled(low), t.scalar(0.5)]) : scaled(low);
  const extent = t.op('Sub', [scaled(high), scaled(low)]);
  const length = halfPixel ? extent : t.op('Max', [extent, t.scalar(1)]);

  const points = cells * samples;
  const shares = Array.from({ length: points }, (_, index) => (index + 0.5) / points);
  const at = t.op('Add', [start, t.op('Mul', [length, floats(t, [1, points], shares)])]);
  const inside = t.op('And', [
    t.op('GreaterOrEqual', [at, t.scalar(-1)]),
    t.op('LessOrEqual', [at, t.scalar(size)]),
  ]);
  const weight = t.op('Where', [inside, t.scalar(1 / samples), t.scalar(0)]);
  const bounded = t.op('Clip', [at, t.scalar(0), t.scalar(size - 1)]);
  const column = (value: string) => t.op('Unsqueeze', [value, t.ints([2])]);
  const elements = floats(
    t,
    [size],
    Array.from({ length: size }, (_, index) => index),
  );
  const distance = t.op('Abs', [t.op('Sub', [column(bounded), elements])]);
  const reads = t.op('Relu', [t.op('Sub', [t.scalar(1), distance])]);
  const weighted = t.op('Mul', [reads, column(weight)]);
  const regions = t.dims(t.x[1] as string)[0] as number;
  const apart = reshape(t, weighted, [regions, cells, samples, size]);
  return t.op('ReduceSum', [apart, t.ints([2])], { keepdims: 0 });
}

export const maxRoiPool: Operator = {
  ...plain(none('fineprune trains through RoiAlign, not through pooled regions')),
  traits: { detection: 'regions' },
};

export const nonMaxSuppression: Operator = {
  ...plain(none('its output is integer')),
  traits: { detection: 'boxes' },
};
