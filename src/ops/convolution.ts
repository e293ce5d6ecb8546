import { groupOf, offsetsOf, windowOf, type Window } from './window.ts';
import { pad, reshape, slice, transpose } from './emit.ts';
import type { Operator, Tape } from './rule.ts';

const product = (values: readonly number[]) => values.reduce((a, b) => a * b, 1);
const spatial = (rank: number) => Array.from({ length: rank - 2 }, (_, axis) => axis + 2);

/** Y = X * W + b: dX = dY *ᵀ W, dW = Xᵀ * dY summed over images and places, db = Σ dY. */
export const conv: Operator = {
  gradient: (t) => {
    const [x, w, b] = t.x as [string, string, string?];
    const dy = t.dy[0] as string;
    const window = windowOf(
      t.node,
      t.dims(w).slice(2),
      t.dims(x).slice(2),
      t.dims(t.y[0] as string).slice(2),
    );
    return [
      t.wants(0) ? byInput(t, x, w, dy, window) : undefined,
      t.wants(1) ? byWeight(t, x, w, dy, window) : undefined,
      b && t.wants(2)
        ? t.op('ReduceSum', [dy, t.ints([0, ...spatial(t.dims(x).length)])], { keepdims: 0 })
        : undefined,
    ];
  },
};

function byInput(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const input = t.dims(x).slice(2);
  const { kernel, strides, dilations, before, after } = window;
  // Places that no window reaches (a stride that does not divide) get zero by output_padding; the
  // transposed convolution cannot crop less than nothing, so pads below zero are made up by Pad.
  const crop = (pads: readonly number[]) => pads.map((count) => Math.max(0, count));
  const rest = after.map((count) => Math.max(0, -count));
  const dx = t.op('ConvTranspose', [dy, w], {
    kernel_shape: kernel,
    strides,
    dilations,
    group: groupOf(t.node),
    pads: [...crop(before), ...crop(after)],
  });
  return rest.some((count) => count > 0)
    ? pad(t, dx, Array<number>(input.length + 2).fill(0), [0, 0, ...rest])
    : dx;
}

/**
 * For each place in the window, the inputs that it meets, as a matrix of [images x places, channels],
 * times dY as such a matrix.
 */
function byWeight(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const [images, channels, ...input] = t.dims(x) as [number, number, ...number[]];
  const [units, perGroup, ...kernel] = t.dims(w) as [number, number, ...number[]];
  const output = t.dims(t.y[0] as string).slice(2);
  const rank = input.length;
  const groups = groupOf(t.node);
  const { strides, dilations, before, after } = window;
  const axes = output.map((_, axis) => axis + 1);
  const places = images * product(output);

  const last = [0, ...spatial(rank + 2), 1];
  const padded = pad(
    t,
    transpose(t, x, last),
    [0, ...before, 0].map(atLeastZero),
    [0, ...after, 0].map(atLeastZero),
  );
  // [groups, units of the group, places]
  const rows = transpose(
    t,
    reshape(t, transpose(t, dy, last), [places, groups, units / groups]),
    [1, 2, 0],
  );
  const blocks = offsetsOf(kernel).map((offset) => {
    const starts = offset.map((at, axis) => at * (dilations[axis] as number));
    const ends = starts.map(
      (start, axis) => start + ((output[axis] as number) - 1) * (strides[axis] as number) + 1,
    );
    const met = slice(t, padded, axes, starts, ends, strides);
    const columns = transpose(t, reshape(t, met, [places, groups, perGroup]), [1, 0, 2]);
    // [groups, units of the group, channels of the group], then room for the place in the window.
    return reshape(t, t.op('MatMul', [rows, columns]), [units, channels / groups, 1]);
  });
  const joined = blocks.length === 1 ? (blocks[0] as string) : t.op('Concat', blocks, { axis: 2 });
  return reshape(t, joined, [units, perGroup, ...kernel]);
}

function atLeastZero(count: number): number {
  return Math.max(0, count);
}
