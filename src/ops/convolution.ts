import { intOf } from '../graph/index.ts';
import { sizeOf, type Node } from '../onnx/index.ts';
import { pad, slice, transpose } from './emit.ts';
import { type BoundsRule, products, withZero } from './bounds.ts';
import {
  type ChannelRule,
  type DimsOf,
  isGiven,
  opaque,
  type ParameterSlices,
  removing,
} from './channel-rule.ts';
import { type LayerTrait, type Operator, plain } from './operator.ts';
import { none, type Tape } from './tape.ts';
import { weightGradient } from './weight-gradient.ts';
import { groupOf, windowOf, type Window } from './window.ts';

export const CONVOLUTIONAL: LayerTrait = { kind: 'convolutional', axis: () => 1 };

const convBounds: BoundsRule = (node, axis, { dims, known, seen }) => {
  const weights = known(node.inputs[1] as string);
  const bias = isGiven(node, 2) ? known(node.inputs[2] as string) : undefined;
  if (axis !== 1 || weights?.type !== 'float32') return undefined;
  if (isGiven(node, 2) && !bias) return undefined;
  const [units, count] = dims(node.inputs[1] as string) as [number, number];
  const perGroup = units / intOf(node, 'group', 1);
  return products(
    {
      data: weights.data,
      units,
      first: (unit) => Math.floor(unit / perGroup) * count,
      count,
      each: sizeOf(weights.dims.slice(2)),
      alpha: 1,
    },
    withZero(seen(0, 1)),
    (unit) => Number(bias?.data[unit] ?? 0),
  );
};

const convChannels: ChannelRule = {
  about: 'summed by weights; depthwise: each by itself',
  passage: (node, index, channels, dims) => {
    if (index !== 0) return opaque('the units are a parameter here');
    if (channels.axis !== 1) return opaque('Conv slides along the channel axis');
    const [units, perGroup] = dims(node.inputs[1] as string) as [number, number];
    const groups = intOf(node, 'group', 1);
    if (groups === 1) {
      return { kind: 'mix', linear: true, weights: { input: 1, axis: 1, unit: channels.unit } };
    }
    if (perGroup === 1) {
      const each = units / groups;
      const unit = Int32Array.from(
        { length: units },
        (_, i) => channels.unit[Math.floor(i / each)] as number,
      );
      return { kind: 'pass', channels: { axis: 1, unit }, zero: !node.inputs[2] };
    }
    // Weights [units, perGroup, ...]: where the same column means another unit in each group, the
    // slice is not along one axis.
    return opaque('a grouped Conv reads each unit by part of its weights');
  },
  silence: (_node, channels) =>
    channels.axis === 1
      ? { kind: 'silence', parameters: both(channels.unit), inputs: [] }
      : opaque('Conv has its units on axis 1'),
  removal: (node, { axis, unit }, dims) => {
    if (axis !== 1) return undefined;
    const groups = intOf(node, 'group', 1);
    const operands = [1, 2]
      .filter((index) => isGiven(node, index))
      .map((index) => ({ index, channels: { axis: 0, unit } }));
    if (groups === 1) return removing(operands);
    if (perGroupOf(node, dims) > 1) return { kind: 'removal', operands, runs: groups };
    const each = unit.length / groups;
    const of = Int32Array.from({ length: groups }, (_, group) => unit[group * each] as number);
    if (!unit.every((u, place) => of[Math.floor(place / each)] === u)) {
      return opaque('a group of Conv makes several units, and not all of them are pruned');
    }
    return removing([...operands, { index: 0, channels: { axis: 1, unit: of } }]);
  },
  bounds: convBounds,
  filters: (node, known) => {
    const weights = known(node.inputs[1] as string);
    if (!weights) return undefined;
    const [units, inputs, ...kernel] = weights.dims as [number, number, ...number[]];
    return { weights, units, inputs, places: sizeOf(kernel) };
  },
  passageRemoved: (node, index, channels, dims) => {
    const groups = intOf(node, 'group', 1);
    if (index !== 0 || channels.axis !== 1 || groups === 1) return undefined;
    // One input for each group: the outputs go with it, and the rule for masks says which.
    if (perGroupOf(node, dims) === 1) return undefined;
    const weights = { input: 1, axis: 1, unit: channels.unit };
    return { kind: 'mix', linear: true, weights, runs: groups };
  },
  attributesWith: (node, left, dims) =>
    intOf(node, 'group', 1) > 1 && perGroupOf(node, dims) === 1
      ? { ...node.attributes, group: left }
      : node.attributes,
};

/** Slices of weights or scale, and of bias or shift. */
export const both = (unit: Int32Array): ParameterSlices[] => [
  { input: 1, axis: 0, unit },
  { input: 2, axis: 0, unit },
];

function perGroupOf(node: Node, dims: DimsOf): number {
  return dims(node.inputs[1] as string)[1] as number;
}

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
  channels: convChannels,
  inputs: { weights: [1, 2], shifts: [2] },
  traits: { layer: CONVOLUTIONAL, scores: 'logits', image: 'channels first' },
};

function byInput(t: Tape, x: string, w: string, dy: string, window: Window): string {
  const input = t.dims(x).slice(2);
  const back = byConv(t, w, dy, window);
  if (back) return back;
  const { kernel, strides, dilations, before, after } = window;
  // Positions that no window reaches, if the stride does not divide, get zero by output_padding. The
  // transposed convolution does not take negative pads, so Pad adds those.
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
 * dX without ConvTranspose: a depthwise Conv uses the flipped filters, a 1x1 Conv the transposed ones. That
 * takes two thirds, or half, of its time.
 */
function byConv(t: Tape, w: string, dy: string, window: Window): string | undefined {
  const { kernel, strides, dilations, before, after } = window;
  const most = kernel.map((size, axis) => (size - 1) * (dilations[axis] as number));
  const pads = [...before, ...after].map(
    (count, at) => (most[at % kernel.length] as number) - count,
  );
  // Not with strides, nor with pads wider than the filter: a convolution cannot crop.
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

/** Convolutions of integers. */
export const convInteger: Operator = {
  ...plain(none('its output is integer')),
  traits: { image: 'channels first' },
};
