import { intOf } from '../../graph/index.ts';
import { float32, sizeOf } from '../../onnx/index.ts';
import { meetsInput, offsetsOf, windowOf, type Window } from '../../ops/window.ts';
import type { Rewrite, RewriteContext } from './rewriter.ts';

interface Sizes {
  readonly images: number;
  readonly groups: number;
  readonly units: number;
  readonly channels: number;
  readonly output: readonly number[];
  readonly kernel: readonly number[];
  /** Kernel offsets that read the input, not only padding, at some output position. */
  readonly offsets: readonly (readonly number[])[];
}

/**
 * A convolution with few output positions, common in deep layers, as one matrix product over all images.
 * ONNX Runtime computes it image by image, in vectors of 16 positions, and reads all weights for each
 * image. Kernel offsets that read only padding are left out.
 */
export const convAsMatmul: Rewrite = {
  op: 'Conv',
  replace: (context) => rewriteAsMatmul(context, isFaster),
};

/** Rewrites where `fits` returns true. */
export function rewriteAsMatmul(context: RewriteContext, fits: (sizes: Sizes) => boolean): boolean {
  const { node } = context;
  const [x, w, bias] = node.inputs as [string, string, string?];
  const [y] = node.outputs as [string];
  const [images, , ...input] = context.dims(x) as [number, number, ...number[]];
  const [all, channels, ...kernel] = context.dims(w) as [number, number, ...number[]];
  const output = context.dims(y).slice(2);
  const groups = intOf(node, 'group', 1);
  const window = windowOf(node, kernel, input, output);
  const offsets = offsetsOf(kernel).filter((offset) => meetsInput(offset, window, input, output));
  const sizes: Sizes = {
    images,
    groups,
    units: all / groups,
    channels,
    output,
    kernel,
    offsets,
  };
  if (groups > 4 || offsets.length === 0 || !fits(sizes)) return false;

  const padded = channelsLastPadded(context, x, window);
  const made = Array.from({ length: groups }, (_, group) =>
    groupProduct(context, { x: padded, w, bias, window, sizes, group }),
  );
  const rows = images * sizeOf(output);
  const product =
    groups === 1
      ? (made[0] as string)
      : context.op('Concat', made, { dims: [rows, all], attributes: { axis: 1 } });
  const placed = reshape(context, product, [images, ...output, all]);
  const rank = output.length;
  context.op('Transpose', [placed], {
    dims: [images, all, ...output],
    attributes: { perm: [0, rank + 1, ...output.map((_, axis) => axis + 1)] },
    name: y,
  });
  return true;
}

/** Compares the costs in ns of both forms, for the forward pass and the input gradient. */
function isFaster({ images, groups, units, channels, output, kernel, offsets }: Sizes): boolean {
  const area = sizeOf(kernel);
  const positions = sizeOf(output);
  const weights = groups * units * channels;
  const vectors = 16 * Math.ceil(positions / 16);
  const byImage = 2.8 * images * weights * area * vectors * 0.02;
  const columns = images * positions * groups * channels * offsets.length;
  const moved = (offsets.length === 1 ? 1 : 4) * columns + (area === 1 ? 0 : 3) * weights * area;
  return 2.1 * images * positions * weights * offsets.length * 0.022 + moved < byImage;
}

/** The input with channels last, padded as the convolution says. */
function channelsLastPadded(context: RewriteContext, x: string, { before, after }: Window): string {
  const [images, channels, ...input] = context.dims(x) as [number, number, ...number[]];
  const last = context.op('Transpose', [x], {
    dims: [images, ...input, channels],
    attributes: { perm: [0, ...input.map((_, axis) => axis + 2), 1] },
  });
  const pads = [before, after].map((counts) => counts.map((count) => Math.max(0, count)));
  if (pads.flat().every((count) => count === 0)) return last;
  const [low, high] = pads as [number[], number[]];
  const dims = input.map((size, axis) => size + (low[axis] as number) + (high[axis] as number));
  return context.op('Pad', [last, context.ints([0, ...low, 0, 0, ...high, 0])], {
    dims: [images, ...dims, channels],
  });
}

/** One group of the convolution, dims [images x positions, units]. */
function groupProduct(
  context: RewriteContext,
  given: {
    x: string;
    w: string;
    bias: string | undefined;
    window: Window;
    sizes: Sizes;
    group: number;
  },
): string {
  const { x, w, bias, window, sizes, group } = given;
  const { images, units, channels, output, offsets } = sizes;
  const area = sizeOf(sizes.kernel);
  const rank = output.length;
  const rows = images * sizeOf(output);
  const axes = Array.from({ length: rank + 1 }, (_, axis) => axis + 1);
  const blocks = offsets.map((offset) => {
    const starts = offset.map((at, axis) => at * (window.dilations[axis] as number));
    const ends = starts.map(
      (start, axis) =>
        start + ((output[axis] as number) - 1) * (window.strides[axis] as number) + 1,
    );
    const block = slice(
      context,
      x,
      axes,
      [...starts, group * channels],
      [...ends, (group + 1) * channels],
      [...window.strides, 1],
    );
    return reshape(context, block, [rows, 1, channels]);
  });
  const columns =
    blocks.length === 1
      ? (blocks[0] as string)
      : context.op('Concat', blocks, {
          dims: [rows, blocks.length, channels],
          attributes: { axis: 1 },
        });
  const unit = group * units;
  const own = slice(context, w, [0], [unit], [unit + units], [1]);
  const filters = weightsOfOffsets(context, reshape(context, own, [units * channels, area]), sizes);
  // Both matrices need the same order of channels and offsets: the smaller one is transposed.
  const transposed = offsets.length > 1 && rows < units;
  const left = transposed ? swapLastAxes(context, columns) : columns;
  const right = transposed || offsets.length === 1 ? filters : swapLastAxes(context, filters);
  const width = channels * offsets.length;
  const inputs = [reshape(context, left, [rows, width]), reshape(context, right, [units, width])];
  if (bias) {
    inputs.push(slice(context, bias, [0], [unit], [unit + units], [1]));
  }
  return context.op('Gemm', inputs, { dims: [rows, units], attributes: { transB: 1 } });
}

/**
 * The weights at `offsets`, dims [units, channels, offsets]. A product with a matrix of ones and zeros
 * selects them: the gradient of a Slice is a Pad, which takes ten times as long.
 */
function weightsOfOffsets(
  context: RewriteContext,
  weights: string,
  { units, channels, kernel, offsets }: Sizes,
): string {
  const dims = [units, channels, offsets.length];
  const whole = offsetsOf(kernel).map((offset) => offset.join());
  if (offsets.length === whole.length) return reshape(context, weights, dims);
  const columns = offsets.map((offset) => whole.indexOf(offset.join()));
  const ones = whole.flatMap((_, row) => columns.map((column) => (row === column ? 1 : 0)));
  const chosen = context.constant(float32([whole.length, columns.length], ones));
  const product = context.op('MatMul', [weights, chosen], {
    dims: [units * channels, columns.length],
  });
  return reshape(context, product, dims);
}

function swapLastAxes(context: RewriteContext, value: string): string {
  const [first, second, third] = context.dims(value) as [number, number, number];
  return context.op('Transpose', [value], {
    dims: [first, third, second],
    attributes: { perm: [0, 2, 1] },
  });
}

function reshape(context: RewriteContext, value: string, dims: readonly number[]): string {
  return context.op('Reshape', [value, context.ints(dims)], { dims });
}

function slice(
  context: RewriteContext,
  value: string,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): string {
  const dims = [...context.dims(value)];
  for (const [index, axis] of axes.entries()) {
    const length = (ends[index] as number) - (starts[index] as number);
    dims[axis] = Math.ceil(length / (steps[index] as number));
  }
  if (dims.every((dim, axis) => dim === context.dims(value)[axis])) return value;
  const bounds = [starts, ends, axes, steps].map((values) => context.ints(values));
  return context.op('Slice', [value, ...bounds], { dims });
}
