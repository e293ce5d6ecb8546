import { intOf, intsOf, stringOf } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { conv, CONVOLUTIONAL } from './convolution.ts';
import { pad } from './emit.ts';
import { type ChannelRule, isGiven, opaque, silencedByParameters } from './channel-rule.ts';
import type { Operator } from './operator.ts';
import type { Tape } from './tape.ts';

/** One row of W [units, units of the output / groups, ...] for each unit, whatever the groups. */
const transposedChannels: ChannelRule = {
  about: 'summed by weights',
  passage: (node, index, channels) => {
    if (index !== 0) return opaque('the units are a parameter here');
    if (channels.axis !== 1) return opaque('ConvTranspose slides along the channel axis');
    return { kind: 'mix', linear: true, weights: { input: 1, axis: 0, unit: channels.unit } };
  },
  silence: (node, { axis, unit }, dims) => {
    if (axis !== 1) return opaque('ConvTranspose has its units on axis 1');
    const [rows, perGroup] = dims(node.inputs[1] as string) as [number, number];
    const groups = intOf(node, 'group', 1);
    const bias = isGiven(node, 2) ? [{ input: 2, axis: 0, unit }] : [];
    if (groups === 1) return silencedByParameters([{ input: 1, axis: 1, unit }, ...bias]);
    // One unit for each group: it is made by the rows of its group.
    if (perGroup !== 1) return opaque('a grouped ConvTranspose makes units by part of its weights');
    const byRow = Int32Array.from(
      { length: rows },
      (_, row) => unit[Math.floor((row * groups) / rows)] as number,
    );
    return silencedByParameters([{ input: 1, axis: 0, unit: byRow }, ...bias]);
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

/**
 * ConvTranspose is what leads back through a Conv from Y to X of the same W: dX = dY * W is that
 * Conv, dW is what that Conv's rule says with X in the place of its gradient, db = Σ dY.
 */
export const convTranspose: Operator = {
  gradient: (t) => {
    const [x, w, b] = t.x as [string, string, string?];
    const dy = t.dy[0] as string;
    const spatial = t.dims(x).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
    const { node, rest } = backward(t);
    // Places that nothing reaches, by output_padding, hold the bias alone.
    const reached = pad(
      t,
      dy,
      [0, 0, ...rest.map(() => 0)],
      [0, 0, ...rest.map((count) => -count)],
    );
    const dims = t
      .dims(t.y[0] as string)
      .map((size, axis) => size - ([0, 0, ...rest][axis] as number));
    const asConv: Tape = {
      ...t,
      node,
      x: [reached, w],
      y: [x],
      dy: [x],
      wants: (index) => index === 1,
      dims: (value) => (value === reached ? dims : t.dims(value)),
    };
    return [
      t.wants(0) ? t.op('Conv', [reached, w], node.attributes) : undefined,
      t.wants(1) ? weightGradient(asConv) : undefined,
      b && t.wants(2)
        ? t.op('ReduceSum', [dy, t.ints([0, ...spatial])], { keepdims: 0 })
        : undefined,
    ];
  },
  channels: transposedChannels,
  inputs: { weights: [1, 2], shifts: [2] },
  traits: { layer: CONVOLUTIONAL },
};

function weightGradient(asConv: Tape): string | undefined {
  return typeof conv.gradient === 'function' ? conv.gradient(asConv)[1] : undefined;
}

interface Backward {
  /** The Conv from Y to X. */
  readonly node: Node;
  /** How many places at the end of each axis of Y that Conv does not read. */
  readonly rest: readonly number[];
}

function backward(t: Tape): Backward {
  const [x, w] = t.x as [string, string];
  const input = t.dims(x).slice(2);
  const kernel = t.dims(w).slice(2);
  const output = t.dims(t.y[0] as string).slice(2);
  const ones = kernel.map(() => 1);
  const strides = intsOf(t.node, 'strides', ones);
  const dilations = intsOf(t.node, 'dilations', ones);
  const extent = input.map(
    (size, axis) =>
      (size - 1) * (strides[axis] as number) +
      ((kernel[axis] as number) - 1) * (dilations[axis] as number) +
      1,
  );
  const before = padsBefore(t.node, input, extent, output, strides);
  const after = extent.map(
    (end, axis) => end - (output[axis] as number) - (before[axis] as number),
  );
  const node: Node = {
    op: 'Conv',
    domain: '',
    name: t.node.name,
    inputs: t.node.inputs,
    outputs: t.node.outputs,
    attributes: {
      kernel_shape: kernel,
      strides,
      dilations,
      group: intOf(t.node, 'group', 1),
      pads: [...before, ...after.map((count) => Math.max(0, count))],
    },
  };
  return { node, rest: after.map((count) => Math.max(0, -count)) };
}

/** How much of the beginning of each axis was cut off. */
function padsBefore(
  node: Node,
  input: readonly number[],
  extent: readonly number[],
  output: readonly number[],
  strides: readonly number[],
): readonly number[] {
  const mode = stringOf(node, 'auto_pad', 'NOTSET');
  const sized = intsOf(node, 'output_shape', []).length > 0;
  if (!sized && !mode.startsWith('SAME')) {
    return mode === 'VALID'
      ? input.map(() => 0)
      : intsOf(
          node,
          'pads',
          input.map(() => 0),
        ).slice(0, input.length);
  }
  const extra = intsOf(
    node,
    'output_padding',
    input.map(() => 0),
  );
  return extent.map((end, axis) => {
    const wanted = sized ? output[axis] : (input[axis] as number) * (strides[axis] as number);
    const total = Math.max(0, end + (extra[axis] as number) - (wanted as number));
    return mode === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
}
