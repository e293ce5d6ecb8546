import { sizeOf } from '../onnx/index.ts';
import { floats } from './constants.ts';
import { add, pad, reshape, slice, transpose } from './emit.ts';
import type { Tape } from './tape.ts';
import { groupOf, meetsInput, offsetsOf, type Window } from './window.ts';

/** The sizes of a convolution, which decide the fastest way to compute its weight gradient. */
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
 * dW of a convolution: for each offset in the kernel, the inputs under that offset times dY, summed over
 * images and output positions. There are several formulations; the cheapest one for the sizes is written.
 */
export function weightGradient(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const [images, , ...input] = t.dims(x) as [number, number, ...number[]];
  const [all, channels, ...kernel] = t.dims(w) as [number, number, ...number[]];
  const output = t.dims(t.y[0] as string).slice(2);
  const groups = groupOf(t.node);
  const sizes: Sizes = { images, groups, units: all / groups, channels, input, output, kernel };
  if (channels === 1 && sizes.units === 1 && groups > 1) {
    const wide = (input.at(-1) as number) * (output.at(-1) as number) > WIDEST;
    return (wide ? depthwiseByProduct : depthwiseByRows)(t, x, dy, window, sizes);
  }
  return costOfIm2col(sizes) < costOfOffsets(sizes)
    ? im2col(t, x, dy, window, sizes)
    : perOffset(t, x, dy, window, sizes);
}

/*
 * Costs in nanoseconds on one core of a server CPU with AVX-512, fitted to ONNX Runtime 1.30 within 20% on
 * 18 shapes: 0.02 for a multiply-add in a large matrix product, which processes rows in vectors of 16, and
 * the cost of copying its operands.
 */
const FLOP = 0.02;
const vectors = (width: number) => 16 * Math.ceil(width / 16);

function costOfOffsets({ images, groups, units, channels, output, kernel }: Sizes): number {
  const rows = images * sizeOf(output) * groups;
  return sizeOf(kernel) * rows * (units * vectors(channels) * FLOP + 0.2 * units + 0.5 * channels);
}

function costOfIm2col({ images, groups, units, channels, output, kernel }: Sizes): number {
  const rows = images * sizeOf(output) * groups;
  const width = sizeOf(kernel) * channels;
  const copied = sizeOf(kernel) === 1 ? 0.3 : 1.3;
  return (
    rows * (copied * width + units * vectors(width) * FLOP * 1.15) + images * groups * units * width
  );
}

/**
 * One matrix product over all images for each kernel offset: dY as [units, images x positions] times the
 * inputs under that offset as [images x positions, channels], a slice of X with channels last.
 */
function perOffset(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, units, channels, input, output, kernel } = sizes;
  const rank = input.length;
  const positions = sizeOf(output);
  const axes = input.map((_, axis) => axis + 2);
  // To [groups, images, ...input, channels], one axis at a time: a general permutation is slow.
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
    images === 1
      ? dy
      : transpose(t, reshape(t, dy, [images, groups * units, positions]), [1, 0, 2]),
    [groups, units, images * positions],
  );
  const blocks = offsetsOf(kernel).map((offset) => {
    if (!meetsInput(offset, window, input, output)) return undefined;
    const patch = shifted(t, padded, axes, offset, window, output);
    return t.op('MatMul', [rows, reshape(t, patch, [groups, images * positions, channels])]);
  });
  return assemble(t, withZeros(t, blocks, [groups, units, channels]), sizes);
}

/** The largest size of the columns of im2col: they should fit in a cache. */
const IM2COL_ELEMENTS = 2 ** 22;

/** im2col: one matrix product for each image, with the whole input patch of a position in one column. */
function im2col(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, channels, output, kernel } = sizes;
  const padded = padAxes(t, x, 2, window, output.length + 2);
  const each = sizeOf(kernel) * groups * channels * sizeOf(output);
  const count = Math.min(images, Math.ceil((images * each) / IM2COL_ELEMENTS));
  const ends = Array.from({ length: count }, (_, at) => Math.round(((at + 1) * images) / count));
  const sums = ends.map((to, at) => {
    const from = ends[at - 1] ?? 0;
    const part = (value: string) => (count === 1 ? value : slice(t, value, [0], [from], [to]));
    return im2colPart(t, part(padded), part(dy), window, { ...sizes, images: to - from });
  });
  return assemble(t, add(t, sums), sizes);
}

function im2colPart(t: Tape, padded: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, units, channels, input, output, kernel } = sizes;
  const positions = sizeOf(output);
  const axes = input.map((_, axis) => axis + 2);
  const blocks = offsetsOf(kernel).map((offset) =>
    reshape(t, shiftedRows(t, padded, axes, offset, window, output), [
      images,
      groups,
      channels,
      positions,
    ]),
  );
  const columns = concatenated(t, blocks, 2);
  const each = t.op('MatMul', [
    reshape(t, dy, [images, groups, units, positions]),
    transpose(t, columns, [0, 1, 3, 2]),
  ]);
  return t.op('ReduceSum', [each, t.ints([0])], { keepdims: 0 });
}

/** Positions of an input row times those of an output row; above, too many products are not used. */
const WIDEST = 4096;

/**
 * Depthwise, by matrix products: all products of a position of an input row and a position of an output row,
 * summed over images and rows. Then all pairs with the same offset between them are summed. Rows stay
 * contiguous with channels first, and only the offsets of other axes need slices.
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
  const along = floats(t, [from * to, kernel.at(-1) as number], offsetIndicator(window, from, to));
  const blocks = offsetsOf(outer.kernel).map((offset) => {
    const patch = rank === 1 ? padded : shifted(t, padded, axes, offset, outer, output);
    const left = transpose(t, reshape(t, patch, [groups, rows, from]), [0, 2, 1]);
    const pairs = reshape(t, t.op('MatMul', [left, right]), [groups, from * to]);
    return t.op('MatMul', [pairs, along]);
  });
  return reshape(t, concatenated(t, blocks, 1), [groups, 1, ...kernel]);
}

/** [pairs, offsets]: 1 if a pair of an input and an output position of the last axis has that offset. */
function offsetIndicator({ kernel, strides, dilations, before }: Window, from: number, to: number) {
  const [size, stride, dilation, start] = [kernel, strides, dilations, before].map((each) =>
    each.at(-1),
  ) as [number, number, number, number];
  const ones = new Float32Array(from * to * size);
  for (let position = 0; position < to; position += 1) {
    for (let offset = 0; offset < size; offset += 1) {
      const source = position * stride + offset * dilation - start;
      if (source >= 0 && source < from) ones[(source * to + position) * size + offset] = 1;
    }
  }
  return ones;
}

/**
 * Depthwise, for long rows: dY times the inputs under each offset, summed by channel. It has channels last
 * and sums by a product with ones: ReduceSum takes ten times as long on two threads.
 */
function depthwiseByProduct(t: Tape, x: string, dy: string, window: Window, sizes: Sizes): string {
  const { images, groups, input, output, kernel } = sizes;
  const positions = images * sizeOf(output);
  const ones = floats(t, [1, positions], new Float32Array(positions).fill(1));
  const axes = input.map((_, axis) => axis + 1);
  const last = [0, ...input.map((_, axis) => axis + 2), 1];
  const padded = padAxes(t, transpose(t, x, last), 1, window, input.length + 2);
  const rows = transpose(t, dy, last);
  const blocks = offsetsOf(kernel).map((offset) => {
    const patch = shifted(t, padded, axes, offset, window, output);
    return t.op('MatMul', [ones, reshape(t, t.op('Mul', [patch, rows]), [positions, groups])]);
  });
  return reshape(t, transpose(t, concatenated(t, blocks, 0), [1, 0]), [groups, 1, ...kernel]);
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
  return concatenated(
    t,
    blocks.map((block) => block ?? zeros()),
    2,
  );
}

function concatenated(t: Tape, blocks: readonly string[], axis: number): string {
  return blocks.length === 1 ? (blocks[0] as string) : t.op('Concat', blocks, { axis });
}

/** Pads the spatial axes, which start at `first`, with zeros like the convolution. */
function padAxes(t: Tape, value: string, first: number, window: Window, rank: number): string {
  const around = (counts: readonly number[]) =>
    Array.from({ length: rank }, (_, axis) => Math.max(0, counts[axis - first] ?? 0));
  return pad(t, value, around(window.before), around(window.after));
}

/** For every output position the input under one offset of its window. */
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
 * Like `shifted`, for a last axis that is contiguous in memory. A slice with a stride copies elements one by
 * one, so this is done once for each phase of the stride; offsets then slice whole rows of the result.
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
