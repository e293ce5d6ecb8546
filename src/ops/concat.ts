import type { Node } from '../onnx/index.ts';
import { axisOf, intOf } from '../graph/index.ts';
import { knownNumbers, zeros } from './constants.ts';
import { pad, reshape, slice as cut } from './emit.ts';
import type { BoundsRule } from './bounds.ts';
import {
  type ChannelRule,
  type DimsOf,
  isGiven,
  knownInput,
  type KnownOf,
  NOT_DATA,
  opaque,
  pass,
  silencedBy,
} from './channel-rule.ts';
import { DATA, type Operator } from './operator.ts';
import { type Tape } from './tape.ts';

const concatBounds: BoundsRule = (node, axis, { dims, of }) => {
  if (axisOf(intOf(node, 'axis', 0), dims(node.outputs[0] as string).length) !== axis) {
    return undefined;
  }
  const parts = node.inputs.map((_, index) => of(index, axis));
  return {
    low: Float64Array.from(parts.flatMap(({ low }) => [...low])),
    high: Float64Array.from(parts.flatMap(({ high }) => [...high])),
  };
};

const concatChannels: ChannelRule = {
  about: 'among those of the other operands',
  passage: (node, index, channels, dims) => {
    const out = dims(node.outputs[0] as string);
    const axis = axisOf(intOf(node, 'axis', 0), out.length);
    if (axis !== channels.axis) return opaque('Concat joins along another axis than the channels');
    const unit = new Int32Array(out[axis] as number).fill(-1);
    const start = node.inputs
      .slice(0, index)
      .reduce((total, input) => total + (dims(input)[axis] as number), 0);
    unit.set(channels.unit, start);
    return pass({ axis, unit }, true);
  },
  silence: (node, channels, dims) => {
    const axis = axisOf(intOf(node, 'axis', 0), dims(node.outputs[0] as string).length);
    if (axis !== channels.axis) return opaque('Concat joins along another axis than the channels');
    let start = 0;
    const inputs = node.inputs.map((input, index) => {
      const size = dims(input)[axis] as number;
      const unit = channels.unit.slice(start, (start += size));
      return { index, channels: { axis, unit } };
    });
    return { kind: 'silence', parameters: [], inputs };
  },
  removal: 'as silenced',
  bounds: concatBounds,
};

/** dx of each input is its part of dy. */
export const concat: Operator = {
  gradient: (t) => {
    const dy = t.dy[0] as string;
    const axis = axisOf(intOf(t.node, 'axis', 0), t.dims(t.y[0] as string).length);
    const sizes = t.x.map((input) => t.dims(input)[axis] as number);
    const wanted = t.x.map((_, index) => t.wants(index));
    if (wanted.filter(Boolean).length > 1)
      return t.ops('Split', [dy, t.ints(sizes)], { axis }, sizes.length);
    let end = 0;
    return sizes.map((size, index) => {
      const start = end;
      end += size;
      return wanted[index] ? cut(t, dy, [axis], [start], [end]) : undefined;
    });
  },
  channels: concatChannels,
  inputs: DATA,
  traits: {
    moves: 'concatenated',
    // Channels of several layers side by side are those of one.
    layer: {
      kind: 'convolutional',
      axis: (node, dims) => {
        const rank = dims(node.outputs[0] as string).length;
        return rank === 4 && axisOf(intOf(node, 'axis', 0), rank) === 1 ? 1 : undefined;
      },
    },
  },
};

/** A Split with one output (the rule covers only the first), or a Slice. */
const sliceChannels: ChannelRule = {
  about: 'those that are cut out',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NOT_DATA);
    const places = slicedPlaces(node, channels.axis, dims, known);
    if (typeof places === 'string') return opaque(places);
    const unit = Int32Array.from(places, (at) => channels.unit[at] as number);
    return pass({ axis: channels.axis, unit }, true);
  },
  silence: (node, channels, dims, known) => {
    const places = slicedPlaces(node, channels.axis, dims, known);
    if (typeof places === 'string') return opaque(places);
    const unit = new Int32Array(dims(node.inputs[0] as string)[channels.axis] as number).fill(-1);
    for (const [index, at] of places.entries()) unit[at] = channels.unit[index] as number;
    return silencedBy(0, { axis: channels.axis, unit });
  },
  removal: (node) => opaque(`${node.op} counts the places that it takes`),
  bounds: 'unknown',
};

/** Which indices of an axis the output has, or why that is not known. */
function slicedPlaces(
  node: Node,
  axis: number,
  dims: DimsOf,
  known: KnownOf | undefined,
): readonly number[] | string {
  const own = dims(node.inputs[0] as string);
  const size = own[axis] as number;
  const count = dims(node.outputs[0] as string)[axis] as number;
  const every = (start: number, step: number) =>
    Array.from({ length: count }, (_, index) => start + index * step);
  if (node.op === 'Split') {
    return node.outputs.length === 1 || axisOf(intOf(node, 'axis', 0), own.length) !== axis
      ? splitAside(node, every(0, 1))
      : 'Split sends units to several outputs';
  }
  const starts = knownInput(node, 1, known);
  const axes = isGiven(node, 3) ? knownInput(node, 3, known) : starts?.map((_, index) => index);
  const steps = isGiven(node, 4) ? knownInput(node, 4, known) : starts?.map(() => 1);
  if (!starts || !axes || !steps) return 'Slice takes a range that is not known';
  const at = axes.findIndex((each) => axisOf(each, own.length) === axis);
  if (at < 0) return every(0, 1);
  const start = starts[at] as number;
  const step = steps[at] as number;
  const last = step < 0 ? size - 1 : size;
  return every(Math.min(Math.max(start < 0 ? start + size : start, 0), last), step);
}

function splitAside(node: Node, places: readonly number[]): readonly number[] | string {
  const several = node.outputs.filter((output) => output !== '').length > 1;
  return several ? 'Split sends parts of each unit to several outputs' : places;
}

/** dx is the concatenation of the parts of dy, with zeros for outputs that do not reach the loss. */
export const split: Operator = {
  gradient: (t) => {
    const axis = axisOf(intOf(t.node, 'axis', 0), t.dims(t.x[0] as string).length);
    const parts = t.y.flatMap((output, index) =>
      output === '' ? [] : [t.dy[index] ?? zeros(t, t.dims(output))],
    );
    return [t.op('Concat', parts, { axis })];
  },
  channels: sliceChannels,
  inputs: DATA,
  traits: { moves: 'rearranged' },
};

/** dx is dy at the positions that were read, and zero elsewhere. */
export const slice: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const counts = t.dims(t.y[0] as string);
    if (counts.includes(0)) return [zeros(t, dims)];
    const { starts, steps } = rangesOf(t, dims);
    const backwards = axesWhere(steps, (step) => step < 0);
    const forward =
      backwards.length === 0 ? (t.dy[0] as string) : reverse(t, t.dy[0] as string, backwards);
    // Reversed, a range starts where it ended.
    const first = starts.map((start, axis) => {
      const step = steps[axis] as number;
      return step < 0 ? start + ((counts[axis] as number) - 1) * step : start;
    });
    const apart = steps.map(Math.abs);
    const spaced = spaceOut(t, forward, counts, apart);
    // `spaced` has step - 1 zeros after its last element; a negative pad may crop them.
    const after = dims.map(
      (size, axis) =>
        size - (first[axis] as number) - (counts[axis] as number) * (apart[axis] as number),
    );
    return [pad(t, spaced, first, after)];
  },
  channels: sliceChannels,
  inputs: DATA,
  traits: { moves: 'rearranged' },
};

/** Start and step of every axis. */
function rangesOf(t: Tape, dims: readonly number[]): { starts: number[]; steps: number[] } {
  const given = knownNumbers(t, 1, 'starts') as number[];
  const axes = knownNumbers(t, 3, 'axes') ?? given.map((_, index) => index);
  const stepsGiven = knownNumbers(t, 4, 'steps');
  const starts = dims.map(() => 0);
  const steps = dims.map(() => 1);
  for (const [index, each] of axes.entries()) {
    const axis = axisOf(each, dims.length);
    const size = dims[axis] as number;
    const start = given[index] as number;
    const step = stepsGiven?.[index] ?? 1;
    const last = step < 0 ? size - 1 : size;
    starts[axis] = Math.min(Math.max(start < 0 ? start + size : start, 0), last);
    steps[axis] = step;
  }
  return { starts, steps };
}

/** Inserts step - 1 zeros after each element. */
function spaceOut(
  t: Tape,
  value: string,
  counts: readonly number[],
  steps: readonly number[],
): string {
  if (steps.every((step) => step === 1)) return value;
  const none = counts.flatMap(() => [0, 0]);
  const apart = reshape(
    t,
    value,
    counts.flatMap((count) => [count, 1]),
  );
  const filled = pad(
    t,
    apart,
    none,
    steps.flatMap((step) => [0, step - 1]),
  );
  return reshape(
    t,
    filled,
    counts.map((count, axis) => count * (steps[axis] as number)),
  );
}

/** Reverses axes. */
export function reverse(t: Tape, value: string, axes: readonly number[]): string {
  const all = axes.map(() => -1);
  return cut(
    t,
    value,
    axes,
    all,
    axes.map(() => Number.MIN_SAFE_INTEGER),
    all,
  );
}

function axesWhere(steps: readonly number[], is: (step: number) => boolean): number[] {
  return steps.flatMap((step, axis) => (is(step) ? [axis] : []));
}
