import type { Node } from '../onnx/index.ts';
import { intOf, intsOf, stringOf } from '../graph/index.ts';

/** Where the windows of a convolution or pooling lie, one entry for each spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Rows and columns of padding before the first and after the last element. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * The geometry of a Conv or pooling node, `auto_pad` and `ceil_mode` resolved. With `ceil_mode` the
 * padding after may be more than the attribute says, up to where the last window ends, or less than
 * nothing: what the windows really cover.
 *
 * @param input - spatial dims of the input
 * @param output - spatial dims of the output
 */
export function windowOf(
  node: Node,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Window {
  const rank = kernel.length;
  const strides = intsOf(node, 'strides', Array<number>(rank).fill(1));
  const dilations = intsOf(node, 'dilations', Array<number>(rank).fill(1));
  const extent = kernel.map(
    (size, axis) =>
      ((output[axis] as number) - 1) * (strides[axis] as number) +
      (size - 1) * (dilations[axis] as number) +
      1,
  );
  const before = padBefore(node, input, extent);
  const after = extent.map((end, axis) => end - (input[axis] as number) - (before[axis] as number));
  return { kernel, strides, dilations, before, after };
}

function padBefore(
  node: Node,
  input: readonly number[],
  extent: readonly number[],
): readonly number[] {
  const rank = input.length;
  const mode = stringOf(node, 'auto_pad', 'NOTSET');
  if (mode === 'VALID') return Array<number>(rank).fill(0);
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const round = mode === 'SAME_UPPER' ? Math.floor : Math.ceil;
    return extent.map((end, axis) => round(Math.max(0, end - (input[axis] as number)) / 2));
  }
  return intsOf(node, 'pads', Array<number>(2 * rank).fill(0)).slice(0, rank);
}

export function groupOf(node: Node): number {
  return intOf(node, 'group', 1);
}

/** Every offset within a window, in row-major order. */
export function offsetsOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (offsets, size) =>
      offsets.flatMap((offset) => Array.from({ length: size }, (_, index) => [...offset, index])),
    [[]],
  );
}

/** Whether any place of the output meets the input at this offset of its window, not only padding. */
export function meetsInput(
  offset: readonly number[],
  { strides, dilations, before }: Window,
  input: readonly number[],
  output: readonly number[],
): boolean {
  return offset.every((at, axis) => {
    const start = at * (dilations[axis] as number) - (before[axis] as number);
    const stride = strides[axis] as number;
    const first = Math.max(0, Math.ceil(-start / stride));
    return first < (output[axis] as number) && start + first * stride < (input[axis] as number);
  });
}
