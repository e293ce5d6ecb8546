import { sizeOf } from '../onnx/index.ts';
import { floats } from './constants.ts';
import { add, pad, reshape, slice, transpose } from './emit.ts';
import type { Tape } from './tape.ts';
import { groupOf, meetsInput, offsetsOf, type Window } from './window.ts';

/** Sizes that decide how a weight gradient is computed fastest. */
interface Sizes {
  readonly images: number;
  readonly groups: number;
  /** Output and input channels of one group. */
  readonly units: number;
  readonly channels: number;
  /** Dims of one channel of the input, of the output, and of the kernel. */
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly kernel: readonly number[];
}

/**
 * dW of a convolution: for each offset within the window, the inputs met there times dY, summed over
 * images and places. All ways give the same numbers; the cheapest for the sizes is written.
 */
export function weightGradient(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const [images, , ...input] = t.dims(x) as [number, number, ...number[]];
  const [all, channels, ...kernel] = t.dims(w) as [number, number, ...number[]];
  const output = t.dims(t.y[0] as string).slice(2);
  const groups = groupOf(t.node);
  const sizes: Sizes = { images, groups, units: all / groups, channels, input, output, kernel };
  if (channels === 1 && sizes.units === 1 && groups > 1) {
    const wide = (input.at(-1) as number) * (output.at(-1) as number) > WIDEST;
    return (wide ? depthwise : depthwiseByRows)(t, x, dy, window, sizes);
  }
  return costOfUnfolding(sizes) < costOfShifting(sizes)
    ? byUnfolding(t, x, dy, window, sizes)
    : byShifting(t, x, dy, window, sizes);
}

/*
 * Nanoseconds on one core of a server CPU with AVX-512, fitted to ONNX Runtime 1.30 within 20% on 18
 * shapes: 0.02 for a multiplication and addition in a large matrix product, whose rows are worked
 * through in vectors of 16, and what it costs to move an element there.
 */
const FLOP = 0.02;
const vectors = (width: number) => 16 * Math.ceil(width / 16);

function costOfShifting({ images, groups, units, channels, output, kernel }: Sizes): number {
  const rows = images * sizeOf(output) * groups;
  return sizeOf(kernel) * rows * (units * vectors(channels) * FLOP + 0.2 * units + 0.5 * channels);
}

function costOfUnfolding({ images, groups, units, channels, output, kernel }: Sizes): number {
  const rows = images * sizeOf(output) * groups;
  const width = sizeOf(kernel) * channels;
  const copied = sizeOf(kernel) === 1 ? 0.3 : 1.3;
  return (
    rows * (copied * width + units * vectors(width) * FLOP * 1.15) + images * groups * units * width
  );
}

/**
 * One matrix product over all images for each offset: dY as [units, images x places] times the inputs
 * met there as [images x places, channels], a slice of X with channels last.
 */
function byShifting(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, units, channels, input, output, kernel } = sizes;
  const rank = input.length;
  const places = sizeOf(output);
  const axes = input.map((_, axis) => axis + 2);
  // [groups, images, ...input, channels], by moving one axis at a time: a general permutation is slow.
  const byGroup = reshape(
    t,
    groups === 1 || images === 1
      ? x
      : transpose(t, reshape(t, x, [images, groups, channels * sizeOf(input)]), [1, 0, 2]),
    [groups * images, channels, ...input],
  );
  const last = reshape(t, transpose(t, byGroup, [0, ...input.map((_, axis) => axis + 2), 1]), [
    groups,
    images,
    ...input,
    channels,
  ]);
  const padded = padAxes(t, last, 2, window, rank + 3);
  const rows = reshape(
    t,
    images === 1 ? dy : transpose(t, reshape(t, dy, [images, groups * units, places]), [1, 0, 2]),
    [groups, units, images * places],
  );
  const blocks = offsetsOf(kernel).map((offset) => {
    if (!meetsInput(offset, window, input, output)) return undefined;
    const met = shifted(t, padded, axes, offset, window, output);
    return t.op('MatMul', [rows, reshape(t, met, [groups, images * places, channels])]);
  });
  return assemble(t, withZeros(t, blocks, [groups, units, channels]), sizes);
}

/** Numbers that are laid side by side at once: no more than stay in a cache, and little memory. */
const UNFOLDED = 2 ** 22;

/** One matrix product for each image, with all inputs that a place meets side by side. */
function byUnfolding(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, channels, output, kernel } = sizes;
  const padded = padAxes(t, x, 2, window, output.length + 2);
  const each = sizeOf(kernel) * groups * channels * sizeOf(output);
  const count = Math.min(images, Math.ceil((images * each) / UNFOLDED));
  const ends = Array.from({ length: count }, (_, at) => Math.round(((at + 1) * images) / count));
  const sums = ends.map((to, at) => {
    const from = ends[at - 1] ?? 0;
    const part = (value: string) => (count === 1 ? value : slice(t, value, [0], [from], [to]));
    return unfolded(t, part(padded), part(dy), window, { ...sizes, images: to - from });
  });
  return assemble(t, add(t, sums), sizes);
}

function unfolded(t: Tape, padded: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, units, channels, input, output, kernel } = sizes;
  const places = sizeOf(output);
  const axes = input.map((_, axis) => axis + 2);
  const blocks = offsetsOf(kernel).map((offset) =>
    reshape(t, shiftedRows(t, padded, axes, offset, window, output), [
      images,
      groups,
      channels,
      places,
    ]),
  );
  const columns = joined(t, blocks, 2);
  const each = t.op('MatMul', [
    reshape(t, dy, [images, groups, units, places]),
    transpose(t, columns, [0, 1, 3, 2]),
  ]);
  return t.op('ReduceSum', [each, t.ints([0])], { keepdims: 0 });
}

/** Places of an input row times places of an output row, above which most products are of no use. */
const WIDEST = 4096;

/**
 * A filter for each channel, by matrix products: every place of an input row times every place of the
 * output row that it meets, summed over images and rows; then those that lie an offset apart are
 * summed. With channels first, rows stay whole, and only the offsets of other axes need a slice each.
 */
function depthwiseByRows(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, input, output, kernel } = sizes;
  const rank = input.length;
  const outer: Window = {
    kernel: kernel.slice(0, -1),
    strides: window.strides.slice(0, -1),
    dilations: window.dilations.slice(0, -1),
    before: window.before.slice(0, -1),
    after: window.after.slice(0, -1),
  };
  const first = [1, 0, ...input.map((_, axis) => axis + 2)];
  const padded = padAxes(t, transpose(t, x, first), 2, outer, rank + 2);
  const [from, to] = [input.at(-1) as number, output.at(-1) as number];
  const rows = (images * sizeOf(output)) / to;
  const right = reshape(t, transpose(t, dy, first), [groups, rows, to]);
  const axes = input.slice(1).map((_, axis) => axis + 2);
  const along = floats(t, [from * to, kernel.at(-1) as number], apart(window, from, to));
  const blocks = offsetsOf(outer.kernel).map((offset) => {
    const met = rank === 1 ? padded : shifted(t, padded, axes, offset, outer, output);
    const left = transpose(t, reshape(t, met, [groups, rows, from]), [0, 2, 1]);
    const pairs = reshape(t, t.op('MatMul', [left, right]), [groups, from * to]);
    return t.op('MatMul', [pairs, along]);
  });
  return reshape(t, joined(t, blocks, 1), [groups, 1, ...kernel]);
}

/** For each pair of an input and an output place on the last axis (row), 1 at their offset. */
function apart({ kernel, strides, dilations, before }: Window, from: number, to: number) {
  const [size, stride, dilation, start] = [kernel, strides, dilations, before].map((each) =>
    each.at(-1),
  ) as [number, number, number, number];
  const ones = new Float32Array(from * to * size);
  for (let place = 0; place < to; place += 1) {
    for (let offset = 0; offset < size; offset += 1) {
      const met = place * stride + offset * dilation - start;
      if (met >= 0 && met < from) ones[(met * to + place) * size + offset] = 1;
    }
  }
  return ones;
}

/**
 * The same with long rows: dY and the inputs it meets, multiplied and summed by channel. Channels
 * last, summed by a product with ones: ReduceSum takes ten times as long on two threads.
 */
function depthwise(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, input, output, kernel } = sizes;
  const places = images * sizeOf(output);
  const ones = floats(t, [1, places], new Float32Array(places).fill(1));
  const axes = input.map((_, axis) => axis + 1);
  const last = [0, ...input.map((_, axis) => axis + 2), 1];
  const padded = padAxes(t, transpose(t, x, last), 1, window, input.length + 2);
  const rows = transpose(t, dy, last);
  const blocks = offsetsOf(kernel).map((offset) => {
    const met = shifted(t, padded, axes, offset, window, output);
    return t.op('MatMul', [ones, reshape(t, t.op('Mul', [met, rows]), [places, groups])]);
  });
  return reshape(t, transpose(t, joined(t, blocks, 0), [1, 0]), [groups, 1, ...kernel]);
}

/** From [groups, units, offsets x channels] to the dims of W. */
function assemble(t: Tape, value: string, sizes: Sizes): string {
  const { groups, units, channels, kernel } = sizes;
  const apart = reshape(t, value, [groups * units, sizeOf(kernel), channels]);
  const swapped = sizeOf(kernel) === 1 || channels === 1 ? apart : transpose(t, apart, [0, 2, 1]);
  return reshape(t, swapped, [groups * units, channels, ...kernel]);
}

function withZeros(
  t: Tape,
  blocks: readonly (string | undefined)[],
  dims: readonly number[],
): string {
  const zeros = () => t.op('ConstantOfShape', [t.ints(dims)]);
  return joined(
    t,
    blocks.map((block) => block ?? zeros()),
    2,
  );
}

function joined(t: Tape, blocks: readonly string[], axis: number): string {
  return blocks.length === 1 ? (blocks[0] as string) : t.op('Concat', blocks, { axis });
}

/** Pads the spatial axes, which start at `first`, with zeros as the convolution does. */
function padAxes(t: Tape, value: string, first: number, window: Window, rank: number): string {
  const around = (counts: readonly number[]) =>
    Array.from({ length: rank }, (_, axis) => Math.max(0, counts[axis - first] ?? 0));
  return pad(t, value, around(window.before), around(window.after));
}

/** What every place of the output meets at one offset of its window. */
function shifted(
  t: Tape,
  padded: string,
  axes: readonly number[],
  offset: readonly number[],
  { strides, dilations }: Window,
  output: readonly number[],
): string {
  const starts = offset.map((at, axis) => at * (dilations[axis] as number));
  const ends = starts.map(
    (start, axis) => start + ((output[axis] as number) - 1) * (strides[axis] as number) + 1,
  );
  return slice(t, padded, axes, starts, ends, strides);
}

/**
 * The same where the last axis lies innermost: elements that lie a stride apart are gathered one by
 * one, so this is done once for each phase of the stride, and offsets then take whole rows of it.
 */
function shiftedRows(
  t: Tape,
  padded: string,
  axes: readonly number[],
  offset: readonly number[],
  window: Window,
  output: readonly number[],
): string {
  const stride = window.strides.at(-1) as number;
  const start = (offset.at(-1) as number) * (window.dilations.at(-1) as number);
  const most = (window.kernel.at(-1) as number) * (window.dilations.at(-1) as number);
  if (stride === 1 || most <= stride) return shifted(t, padded, axes, offset, window, output);
  const phase = start % stride;
  const end = Number.MAX_SAFE_INTEGER;
  const rows = slice(t, padded, axes.slice(-1), [phase], [end], [stride]);
  const within: Window = {
    ...window,
    strides: [...window.strides.slice(0, -1), 1],
    dilations: [...window.dilations.slice(0, -1), 1],
  };
  const moved = [...offset.slice(0, -1), (start - phase) / stride];
  return shifted(t, rows, axes, moved, within, output);
}
