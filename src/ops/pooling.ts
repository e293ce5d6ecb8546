import { intOf, intsOf, stringOf } from '../graph/index.ts';
import { float32, sizeOf } from '../onnx/index.ts';
import { pad, reshape } from './emit.ts';
import { maths } from './maths.ts';
import { withZero } from './bounds.ts';
import { BY_WINDOW } from './by-element.ts';
import { DATA, NO_TRAITS, type Operator } from './operator.ts';
import type { Tape } from './tape.ts';
import { offsetsOf, windowOf, type Window } from './window.ts';

/** dX is dY at the place of each window's maximum (the first, where several are equal). */
export const maxPool: Operator = {
  gradient: (t) => {
    const [x] = t.x as [string];
    const dy = t.dy[0] as string;
    const dims = t.dims(x);
    // With column-major indices its own output is of no use: everything else is row-major.
    const byRow = intOf(t.node, 'storage_order', 0) === 0;
    const attributes = { ...t.node.attributes, storage_order: 0 };
    const made = t.y[1] && byRow ? t.y : t.ops('MaxPool', [x], attributes, 2);
    const [, indices] = made as [string, string];
    const { kernel, strides, dilations, before, after } = poolWindow(t);
    const apart = kernel.every(
      (size, axis) => (size - 1) * (dilations[axis] as number) < (strides[axis] as number),
    );
    // Only if no window extends past the border: MaxUnpool has no `ceil_mode`.
    const within = before.every((count) => count === 0) && after.every((count) => count <= 0);
    if (apart && within) {
      const attributes = { kernel_shape: kernel, strides };
      // ONNX Runtime infers no dims for MaxUnpool, and then plans no memory for the nodes after it.
      return [reshape(t, t.op('MaxUnpool', [dy, indices, t.ints(dims)], attributes), dims)];
    }
    // Windows overlap: the gradients of several windows for one element are added.
    const zeros = t.op('ConstantOfShape', [t.ints([sizeOf(dims)])]);
    const flat = (value: string) => reshape(t, value, [-1]);
    return [
      reshape(
        t,
        t.op('ScatterElements', [zeros, flat(indices), flat(dy)], { axis: 0, reduction: 'add' }),
        dims,
      ),
    ];
  },
  channels: {
    ...BY_WINDOW,
    bounds: (_node, axis, { of }) => (axis === 1 ? of(0, axis) : undefined),
  },
  inputs: DATA,
  traits: { keepsChannels: true, image: 'channels first' },
};

/** Each input gets dY / count of every window it lies in. */
export const averagePool: Operator = {
  gradient: (t) => {
    const [x] = t.x as [string];
    const dims = t.dims(x);
    const output = t.dims(t.y[0] as string);
    const channels = dims[1] as number;
    const window = poolWindow(t);
    const share = t.op('Div', [t.dy[0] as string, counts(t, window)]);
    if (tiles(window, dims.slice(2))) return [spread(t, share, output, window.kernel)];

    const ones = t.initializer(
      float32(
        [channels, 1, ...window.kernel],
        Array<number>(channels * sizeOf(window.kernel)).fill(1),
      ),
    );
    const { before, after } = window;
    const dx = t.op('ConvTranspose', [share, ones], {
      kernel_shape: window.kernel,
      strides: window.strides,
      dilations: window.dilations,
      group: channels,
      pads: [...before, ...after.map((count) => Math.max(0, count))],
    });
    const rest = after.map((count) => Math.max(0, -count));
    return [
      pad(
        t,
        dx,
        dims.map(() => 0),
        [0, 0, ...rest],
      ),
    ];
  },
  channels: {
    ...BY_WINDOW,
    // Zeros of the padding may be among what is averaged.
    bounds: (_node, axis, { of }) => (axis === 1 ? withZero(of(0, axis)) : undefined),
  },
  inputs: DATA,
  traits: { keepsChannels: true, image: 'channels first' },
};

/** dX = dY / places, everywhere. */
export const globalAveragePool: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const share = t.op('Div', [t.dy[0] as string, t.scalar(sizeOf(dims.slice(2)))]);
    return [t.op('Expand', [share, t.ints(dims)])];
  },
  channels: BY_WINDOW,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = max x over all places: dy in equal shares to the elements that are y */
export const globalMaxPool: Operator = {
  gradient: (t) => {
    const m = maths(t);
    const [x] = t.x as [string];
    const axes = t.dims(x).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
    const hit = m.where(m.equal(x, t.y[0] as string), 1, 0);
    const count = t.op('ReduceSum', [hit, t.ints(axes)], { keepdims: 1 });
    return [m.mul(hit, m.div(t.dy[0] as string, count))];
  },
  channels: BY_WINDOW,
  inputs: DATA,
  traits: NO_TRAITS,
};

function poolWindow(t: Tape): Window {
  return windowOf(
    t.node,
    intsOf(t.node, 'kernel_shape', []),
    t.dims(t.x[0] as string).slice(2),
    t.dims(t.y[0] as string).slice(2),
  );
}

/** Windows lie side by side and cover the input exactly. */
function tiles({ kernel, strides, before, after }: Window, input: readonly number[]): boolean {
  return input.every(
    (size, axis) =>
      kernel[axis] === strides[axis] &&
      before[axis] === 0 &&
      after[axis] === 0 &&
      size % (kernel[axis] as number) === 0,
  );
}

/** Repeats every place of the output over its window. */
function spread(
  t: Tape,
  value: string,
  output: readonly number[],
  kernel: readonly number[],
): string {
  const [images, channels, ...places] = output as [number, number, ...number[]];
  const apart = places.flatMap((size) => [size, 1]);
  const filled = places.flatMap((size, axis) => [size, kernel[axis] as number]);
  const expanded = t.op('Expand', [
    reshape(t, value, [images, channels, ...apart]),
    t.ints([images, channels, ...filled]),
  ]);
  return reshape(t, expanded, [
    images,
    channels,
    ...places.map((size, axis) => size * (kernel[axis] as number)),
  ]);
}

/**
 * By how many elements each window divides: all of the kernel, or those that are not padding. With
 * `count_include_pad`, what a window has beyond the declared padding (by `ceil_mode`) never counts.
 */
function counts(t: Tape, window: Window): string {
  const input = t.dims(t.x[0] as string).slice(2);
  const output = t.dims(t.y[0] as string).slice(2);
  const includePad = intOf(t.node, 'count_include_pad', 0) === 1;
  const { kernel, strides, dilations, before } = window;
  const declared = stringOf(t.node, 'auto_pad', 'NOTSET') === 'NOTSET';
  const pads = intsOf(t.node, 'pads', Array<number>(2 * input.length).fill(0));
  const along = input.map((size, axis) => {
    const low = includePad ? -(before[axis] as number) : 0;
    const padAfter = declared
      ? (pads[axis + input.length] as number)
      : (window.after[axis] as number);
    const high = includePad ? size + padAfter : size;
    return Array.from({ length: output[axis] as number }, (_, place) => {
      const start = place * (strides[axis] as number) - (before[axis] as number);
      return Array.from(
        { length: kernel[axis] as number },
        (_, k) => start + k * (dilations[axis] as number),
      ).filter((at) => at >= low && at < high).length;
    });
  });
  const all = offsetsOf(output).map((place) =>
    place.reduce((count, at, axis) => count * (along[axis]?.[at] as number), 1),
  );
  const first = all[0] as number;
  return all.every((count) => count === first)
    ? t.scalar(first)
    : t.initializer(float32([1, 1, ...output], all));
}
