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
  /** Offsets in the window at which some place meets the input: a box. */
  readonly offsets: readonly (readonly number[])[];
}

/**
 * A convolution with few places, as deep layers have, as one matrix product over all images: ONNX
 * Runtime multiplies image by image, in vectors of 16 places, and reads all weights for each image.
 * Offsets that meet nothing but padding are left out.
 */
export const convAsMatmul: Rewrite = { op: 'Conv', replace: (site) => rewriteAsMatmul(site, pays) };

/** The same wherever `fits` says so. */
export function rewriteAsMatmul(site: RewriteContext, fits: (sizes: Sizes) => boolean): boolean {
  const { node } = site;
  const [x, w, bias] = node.inputs as [string, string, string?];
  const [y] = node.outputs as [string];
  const [images, , ...input] = site.dims(x) as [number, number, ...number[]];
  const [all, channels, ...kernel] = site.dims(w) as [number, number, ...number[]];
  const output = site.dims(y).slice(2);
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

  const padded = lastPadded(site, x, window);
  const made = Array.from({ length: groups }, (_, group) =>
    product(site, { x: padded, w, bias, window, sizes, group }),
  );
  const rows = images * sizeOf(output);
  const joined =
    groups === 1
      ? (made[0] as string)
      : site.op('Concat', made, { dims: [rows, all], attributes: { axis: 1 } });
  const placed = reshape(site, joined, [images, ...output, all]);
  const rank = output.length;
  site.op('Transpose', [placed], {
    dims: [images, all, ...output],
    attributes: { perm: [0, rank + 1, ...output.map((_, axis) => axis + 1)] },
    name: y,
  });
  return true;
}

/** Costs in ns, as in the weight gradient: forward and gradient by the input, both ways. */
function pays({ images, groups, units, channels, output, kernel, offsets }: Sizes): boolean {
  const area = sizeOf(kernel);
  const places = sizeOf(output);
  const weights = groups * units * channels;
  const vectors = 16 * Math.ceil(places / 16);
  const byImage = 2.8 * images * weights * area * vectors * 0.02;
  const columns = images * places * groups * channels * offsets.length;
  const moved = (offsets.length === 1 ? 1 : 4) * columns + (area === 1 ? 0 : 3) * weights * area;
  return 2.1 * images * places * weights * offsets.length * 0.022 + moved < byImage;
}

/** X with channels last and the convolution's padding around it. */
function lastPadded(site: RewriteContext, x: string, { before, after }: Window): string {
  const [images, channels, ...input] = site.dims(x) as [number, number, ...number[]];
  const last = site.op('Transpose', [x], {
    dims: [images, ...input, channels],
    attributes: { perm: [0, ...input.map((_, axis) => axis + 2), 1] },
  });
  const pads = [before, after].map((counts) => counts.map((count) => Math.max(0, count)));
  if (pads.flat().every((count) => count === 0)) return last;
  const [low, high] = pads as [number[], number[]];
  const dims = input.map((size, axis) => size + (low[axis] as number) + (high[axis] as number));
  return site.op('Pad', [last, site.ints([0, ...low, 0, 0, ...high, 0])], {
    dims: [images, ...dims, channels],
  });
}

/** One group of the convolution, as [images x places, units]. */
function product(
  site: RewriteContext,
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
    const met = slice(
      site,
      x,
      axes,
      [...starts, group * channels],
      [...ends, (group + 1) * channels],
      [...window.strides, 1],
    );
    return reshape(site, met, [rows, 1, channels]);
  });
  const columns =
    blocks.length === 1
      ? (blocks[0] as string)
      : site.op('Concat', blocks, {
          dims: [rows, blocks.length, channels],
          attributes: { axis: 1 },
        });
  const unit = group * units;
  const own = slice(site, w, [0], [unit], [unit + units], [1]);
  const met = selected(site, reshape(site, own, [units * channels, area]), sizes);
  // Channels or offsets fastest: the smaller of the two matrices is turned.
  const turned = offsets.length > 1 && rows < units;
  const left = turned ? swapped(site, columns) : columns;
  const right = turned || offsets.length === 1 ? met : swapped(site, met);
  const width = channels * offsets.length;
  const inputs = [reshape(site, left, [rows, width]), reshape(site, right, [units, width])];
  if (bias) {
    inputs.push(slice(site, bias, [0], [unit], [unit + units], [1]));
  }
  return site.op('Gemm', inputs, { dims: [rows, units], attributes: { transB: 1 } });
}

/**
 * The weights of the offsets that meet the input, as [units, channels, offsets]: by a product with
 * ones and zeros, as the gradient of a slice is a Pad, which takes ten times as long.
 */
function selected(
  site: RewriteContext,
  weights: string,
  { units, channels, kernel, offsets }: Sizes,
): string {
  const dims = [units, channels, offsets.length];
  const whole = offsetsOf(kernel).map((offset) => offset.join());
  if (offsets.length === whole.length) return reshape(site, weights, dims);
  const columns = offsets.map((offset) => whole.indexOf(offset.join()));
  const ones = whole.flatMap((_, row) => columns.map((column) => (row === column ? 1 : 0)));
  const chosen = site.constant(float32([whole.length, columns.length], ones));
  const product = site.op('MatMul', [weights, chosen], {
    dims: [units * channels, columns.length],
  });
  return reshape(site, product, dims);
}

function swapped(site: RewriteContext, value: string): string {
  const [first, second, third] = site.dims(value) as [number, number, number];
  return site.op('Transpose', [value], {
    dims: [first, third, second],
    attributes: { perm: [0, 2, 1] },
  });
}

function reshape(site: RewriteContext, value: string, dims: readonly number[]): string {
  return site.op('Reshape', [value, site.ints(dims)], { dims });
}

function slice(
  site: RewriteContext,
  value: string,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): string {
  const dims = [...site.dims(value)];
  for (const [index, axis] of axes.entries()) {
    const length = (ends[index] as number) - (starts[index] as number);
    dims[axis] = Math.ceil(length / (steps[index] as number));
  }
  if (dims.every((dim, axis) => dim === site.dims(value)[axis])) return value;
  const bounds = [starts, ends, axes, steps].map((values) => site.ints(values));
  return site.op('Slice', [value, ...bounds], { dims });
}
