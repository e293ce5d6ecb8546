import type { Node } from '../onnx/index.ts';
import { axisOf, stringOf } from '../graph/index.ts';
import { knownNumbers } from './constants.ts';
import { add, pad as padWithZeros, slice } from './emit.ts';
import { reverse } from './concat.ts';
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

/** Units keep their places if their own axis is not padded. */
const padChannels: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NOT_DATA);
    const places = paddedPlaces(node, channels.axis, dims, known);
    if (!places) return opaque('Pad pads the channel axis, or by what is not known');
    const unit = Int32Array.from(places, (at) => (at < 0 ? -1 : (channels.unit[at] as number)));
    return pass({ axis: channels.axis, unit }, fillsWithZero(node, known));
  },
  silence: (node, channels, dims, known) => {
    const places = paddedPlaces(node, channels.axis, dims, known);
    if (!places || !fillsWithZero(node, known)) {
      return opaque('Pad pads the channel axis, or by what is not known to be zero');
    }
    const unit = new Int32Array(dims(node.inputs[0] as string)[channels.axis] as number).fill(-1);
    for (const [index, at] of places.entries()) {
      if (at >= 0) unit[at] = channels.unit[index] as number;
    }
    return silencedBy(0, { axis: channels.axis, unit });
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

/** The index that each index of the padded axis holds, -1 where it holds the constant. */
function paddedPlaces(
  node: Node,
  axis: number,
  dims: DimsOf,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const own = dims(node.inputs[0] as string);
  const pads = knownInput(node, 1, known);
  const axes = isGiven(node, 3) ? knownInput(node, 3, known) : own.map((_, index) => index);
  if (!pads || !axes) return undefined;
  const at = axes.findIndex((each) => axisOf(each, own.length) === axis);
  const before = at < 0 ? 0 : (pads[at] as number);
  const after = at < 0 ? 0 : (pads[at + axes.length] as number);
  const size = own[axis] as number;
  if ((before > 0 || after > 0) && stringOf(node, 'mode', 'constant') !== 'constant') {
    return undefined;
  }
  return Array.from({ length: before + size + after }, (_, index) => {
    const place = index - before;
    return place >= 0 && place < size ? place : -1;
  });
}

function fillsWithZero(node: Node, known: KnownOf | undefined): boolean {
  if (stringOf(node, 'mode', 'constant') !== 'constant' || !isGiven(node, 2)) return true;
  return knownInput(node, 2, known)?.[0] === 0;
}

/** dx is dy without the padding, and zero where x was cropped. The gradient of a copy goes to its source. */
export const pad: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const { before, after } = padsOf(t, dims.length);
    const mode = stringOf(t.node, 'mode', 'constant');
    if (mode === 'constant') {
      const dy = t.dy[0] as string;
      const dx = padWithZeros(t, dy, before.map(negative), after.map(negative));
      return [dx, undefined, t.x[2] && t.wants(2) ? byConstant(t, dy, dx) : undefined];
    }
    const dx = dims.reduce((value, size, axis) => {
      const sources = sourcesOf(mode, size, before[axis] as number, after[axis] as number);
      return toSources(t, value, dims.length, axis, size, sources);
    }, t.dy[0] as string);
    return [dx];
  },
  channels: padChannels,
  inputs: DATA,
  traits: { moves: 'rearranged', image: 'kept' },
};

/** All of dy that does not go to x. */
function byConstant(t: Tape, dy: string, dx: string): string {
  const total = (value: string) => t.op('ReduceSum', [value], { keepdims: 0 });
  const rest = t.op('Sub', [total(dy), total(dx)]);
  return t.op('Reshape', [rest, t.ints(t.dims(t.x[2] as string))]);
}

function padsOf(t: Tape, rank: number): { before: number[]; after: number[] } {
  const pads = knownNumbers(t, 1, 'pads') as number[];
  const axes = knownNumbers(t, 3, 'axes') ?? Array.from({ length: rank }, (_, axis) => axis);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  for (const [index, each] of axes.entries()) {
    const axis = axisOf(each, rank);
    before[axis] = pads[index] as number;
    after[axis] = pads[index + axes.length] as number;
  }
  return { before, after };
}

/**
 * The source of each element of the padded axis: an index of the axis. Negative pads crop before anything is
 * copied.
 */
function sourcesOf(mode: string, size: number, before: number, after: number): number[] {
  const low = Math.max(0, -before);
  const length = size - low - Math.max(0, -after);
  const start = Math.max(0, before);
  return Array.from({ length: start + length + Math.max(0, after) }, (_, place) => {
    const at = place - start;
    return low + within(mode, at, length);
  });
}

function within(mode: string, at: number, length: number): number {
  if (mode === 'edge') return Math.min(Math.max(at, 0), length - 1);
  if (mode === 'wrap') return modulo(at, length);
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = modulo(at, period);
  return place < length ? place : period - place;
}

/**
 * Adds each element of an axis to its source. Sources are runs of indices that ascend, descend (reflection)
 * or stay the same (edge).
 */
function toSources(
  t: Tape,
  value: string,
  rank: number,
  axis: number,
  size: number,
  sources: readonly number[],
): string {
  const along = (count: number) => Array.from({ length: rank }, (_, i) => (i === axis ? count : 0));
  const terms = runsOf(sources).map(({ start, length, step }) => {
    const whole = length === sources.length;
    const part = whole ? value : slice(t, value, [axis], [start], [start + length]);
    const first = sources[start] as number;
    const [term, low, count] =
      step === 0
        ? [t.op('ReduceSum', [part, t.ints([axis])], { keepdims: 1 }), first, 1]
        : step === 1
          ? [part, first, length]
          : [reverse(t, part, [axis]), first - length + 1, length];
    return padWithZeros(t, term, along(low), along(size - low - count));
  });
  return add(t, terms);
}

interface Run {
  readonly start: number;
  readonly length: number;
  readonly step: 1 | 0 | -1;
}

function runsOf(sources: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < sources.length;) {
    const step = ((sources[start + 1] ?? NaN) - (sources[start] as number)) as Run['step'];
    let length = 1;
    if ([1, 0, -1].includes(step)) {
      while (sources[start + length] === (sources[start] as number) + step * length) length += 1;
    }
    runs.push({ start, length, step: length === 1 ? 1 : step });
    start += length;
  }
  return runs;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function negative(value: number): number {
  return -value;
}
