import { sizeOf } from '../onnx/index.ts';
import { pad, slice, transpose } from './emit.ts';
import type { Operator, Tape } from './rule.ts';
import { weightGradient } from './weight-gradient.ts';
import { groupOf, windowOf, type Window } from './window.ts';

/** Y = X * W + b: dX = dY *ᵀ W, dW = Xᵀ * dY summed over images and places, db = Σ dY. */
export const conv: Operator = {
  gradient: (t) => {
    const [x, w, b] = t.x as [string, string, string?];
    const dy = t.dy[0] as string;
    const places = t.dims(t.y[0] as string).slice(2);
    const window = windowOf(t.node, t.dims(w).slice(2), t.dims(x).slice(2), places);
    const summed = [0, ...places.map((_, axis) => axis + 2)];
    return [
      t.wants(0) ? byInput(t, x, w, dy, window) : undefined,
      t.wants(1) ? weightGradient(t, x, w, dy, window) : undefined,
      b && t.wants(2) ? t.op('ReduceSum', [dy, t.ints(summed)], { keepdims: 0 }) : undefined,
    ];
  },
};

function byInput(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const input = t.dims(x).slice(2);
  const back = byConv(t, w, dy, window);
  if (back) return back;
  const { kernel, strides, dilations, before, after } = window;
  // Places that no window reaches (a stride that does not divide) get zero by output_padding; the
  // transposed convolution cannot crop less than nothing, so pads below zero are made up by Pad.
  const rest = after.map((count) => Math.max(0, -count));
  const dx = t.op('ConvTranspose', [dy, w], {
    kernel_shape: kernel,
    strides,
    dilations,
    group: groupOf(t.node),
    pads: [...before, ...after].map((count) => Math.max(0, count)),
  });
  return rest.some((count) => count > 0)
    ? pad(t, dx, Array<number>(input.length + 2).fill(0), [0, 0, ...rest])
    : dx;
}

/**
 * Filters of one channel each lead back mirrored, filters of one place transposed: in two thirds, and a
 * half, of ConvTranspose's time.
 */
function byConv(t: Tape, w: string, dy: string, window: Window): string | undefined {
  const { kernel, strides, dilations, before, after } = window;
  const most = kernel.map((size, axis) => (size - 1) * (dilations[axis] as number));
  const pads = [...before, ...after].map(
    (count, at) => (most[at % kernel.length] as number) - count,
  );
  // A convolution crops nothing: neither strides nor pads wider than the filter lead back like this.
  if (strides.some((stride) => stride > 1) || pads.some((count) => count < 0)) return undefined;
  const filters = isDepthwise(t, w)
    ? mirrored(t, w, kernel)
    : groupOf(t.node) === 1 && sizeOf(kernel) === 1
      ? transpose(t, w, [1, 0, ...kernel.map((_, axis) => axis + 2)])
      : undefined;
  const attributes = { kernel_shape: kernel, dilations, group: groupOf(t.node), pads };
  return filters && t.op('Conv', [dy, filters], attributes);
}

function mirrored(t: Tape, w: string, kernel: readonly number[]): string {
  const axes = kernel.map((_, axis) => axis + 2);
  const backwards = kernel.map(() => -1);
  const ends = kernel.map((size) => -size - 1);
  return slice(t, w, axes, backwards, ends, backwards);
}

function isDepthwise(t: Tape, w: string): boolean {
  const [units, channels] = t.dims(w) as [number, number];
  return channels === 1 && units > 1 && units === groupOf(t.node);
}
