import { axisOf, floatOf, intOf, intsOf, stringOf } from '../graph/index.ts';
import { sizeOf, type Node } from '../onnx/index.ts';
import { withLengthIn } from './by-element.ts';
import { floats, knownNumbers, zeros } from './constants.ts';
import { reshape } from './emit.ts';
import { type Interpolation, type Tap, tapsOf } from './interpolation.ts';
import { noGradient } from './refusal.ts';
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
import { DATA, NO_TRAITS, type Operator } from './operator.ts';
import { type Tape } from './tape.ts';

/** Resizes images, channel by channel. */
const resizeChannels: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NOT_DATA);
    const why = resizesUnits(node, channels.axis, dims, known);
    return why === undefined ? pass(channels, extrapolatesZero(node)) : opaque(why);
  },
  silence: (node, channels, dims, known) => {
    const why = resizesUnits(node, channels.axis, dims, known);
    if (why !== undefined) return opaque(why);
    return extrapolatesZero(node)
      ? silencedBy(0, channels)
      : opaque('Resize extrapolates with a value other than zero');
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

function resizesUnits(
  node: Node,
  axis: number,
  dims: DimsOf,
  known: KnownOf | undefined,
): string | undefined {
  const own = dims(node.inputs[0] as string);
  const resized = node.attributes['axes'];
  const axes = Array.isArray(resized)
    ? (resized as readonly number[]).map((each) => axisOf(each, own.length))
    : own.map((_, index) => index);
  if (!axes.includes(axis)) return undefined;
  if (own[axis] !== dims(node.outputs[0] as string)[axis]) return 'Resize resizes the channel axis';
  if (!isGiven(node, 2)) return undefined;
  // A scale close to 1 may keep the size and still mix the units.
  const scale = knownInput(node, 2, known)?.[axes.indexOf(axis)];
  return scale === 1 ? undefined : 'Resize has scales that are not known to keep the channels';
}

function extrapolatesZero(node: Node): boolean {
  return (
    stringOf(node, 'coordinate_transformation_mode', 'half_pixel') !== 'tf_crop_and_resize' ||
    floatOf(node, 'extrapolation_value', 0) === 0
  );
}

/**
 * Y = A₁ ⊗ A₂ ⊗ ... X, with an interpolation matrix for each axis: dX = A₁ᵀ ⊗ A₂ᵀ ⊗ ... dY. If each
 * element is repeated a whole number of times, Aᵀ is a sum over the copies.
 */
export const resize: Operator = {
  gradient: (t) => {
    const input = t.dims(t.x[0] as string);
    const output = [...t.dims(t.y[0] as string)];
    // ONNX Runtime copies the input if dims stay the same, even if the scales imply a shift.
    if (input.every((size, axis) => size === output[axis])) return [t.dy[0]];
    const scales = scalesOf(t, input, output);
    const taps = input.map((size, axis) =>
      tapsOf(size, output[axis] as number, scales[axis] as number, interpolationOf(t, axis)),
    );
    const times = input.map((size, axis) => repeatCount(taps[axis] ?? [], size));
    let dx = sumCopies(t, t.dy[0] as string, output, times);
    const dims = output.map((size, axis) => size / (times[axis] ?? 1));
    for (const [axis, size] of input.entries()) {
      if (times[axis] !== undefined) continue;
      dx = timesTranspose(t, dx, dims, axis, size, taps[axis] ?? []);
      dims[axis] = size;
    }
    return [dx];
  },
  channels: withLengthIn(3, resizeChannels),
  inputs: DATA,
  traits: NO_TRAITS,
};

/** The scale of every axis, as ONNX Runtime uses it for coordinates. */
function scalesOf(t: Tape, input: readonly number[], output: readonly number[]): number[] {
  const axes = axesOf(t);
  const each = (values: readonly number[], otherwise: number) =>
    input.map((_, axis) =>
      axes.includes(axis) ? (values[axes.indexOf(axis)] as number) : otherwise,
    );
  const given = knownNumbers(t, 2, 'scales');
  if (given && given.length > 0) return each(given, 1);

  const sizes = knownNumbers(t, 3, 'sizes') as number[];
  const requested = each(sizes, 1).map((size, axis) => size / (input[axis] as number));
  const policy = stringOf(t.node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') {
    return input.map((size, axis) => (output[axis] as number) / size);
  }
  const among = axes.map((axis) => requested[axis] as number);
  const common = policy === 'not_larger' ? Math.min(...among) : Math.max(...among);
  return input.map((_, axis) => (axes.includes(axis) ? common : 1));
}

function axesOf(t: Tape): number[] {
  const rank = t.dims(t.x[0] as string).length;
  const all = Array.from({ length: rank }, (_, axis) => axis);
  return intsOf(t.node, 'axes', all).map((axis) => axisOf(axis, rank));
}

function interpolationOf(t: Tape, axis: number): Interpolation {
  if (intOf(t.node, 'antialias', 0) !== 0) {
    return noGradient(t.node, 'fineprune does not differentiate antialias');
  }
  const coordinates = stringOf(t.node, 'coordinate_transformation_mode', 'half_pixel');
  const axes = axesOf(t);
  const roi = coordinates === 'tf_crop_and_resize' ? knownNumbers(t, 1, 'roi') : undefined;
  const index = axes.indexOf(axis);
  return {
    mode: stringOf(t.node, 'mode', 'nearest') as Interpolation['mode'],
    coordinates,
    nearest: stringOf(t.node, 'nearest_mode', 'round_prefer_floor'),
    cubicCoefficient: floatOf(t.node, 'cubic_coeff_a', -0.75),
    excludeOutside: intOf(t.node, 'exclude_outside', 0) === 1,
    roi: [roi?.[index] ?? 0, roi?.[index + axes.length] ?? 1],
  };
}

/** How often each element is repeated, in consecutive copies; undefined if it is not a plain repetition. */
function repeatCount(taps: readonly (readonly Tap[])[], size: number): number | undefined {
  const times = taps.length / size;
  const repeats = taps.every(
    (each, position) =>
      each.length === 1 && each[0]?.weight === 1 && each[0].at === Math.floor(position / times),
  );
  return Number.isInteger(times) && repeats ? times : undefined;
}

function sumCopies(
  t: Tape,
  value: string,
  dims: readonly number[],
  times: readonly (number | undefined)[],
): string {
  const repeated = times.flatMap((count, axis) => ((count ?? 1) > 1 ? [axis] : []));
  if (repeated.length === 0) return value;
  const split = dims.flatMap((size, axis) =>
    repeated.includes(axis) ? [size / (times[axis] as number), times[axis] as number] : [size],
  );
  const axes = repeated.map((axis, index) => axis + index + 1);
  return t.op('ReduceSum', [reshape(t, value, split), t.ints(axes)], { keepdims: 0 });
}

/** Multiplies an axis by the transpose of its interpolation matrix, whose rows are the taps. */
function timesTranspose(
  t: Tape,
  value: string,
  dims: readonly number[],
  axis: number,
  size: number,
  taps: readonly (readonly Tap[])[],
): string {
  const positions = taps.length;
  const before = sizeOf(dims.slice(0, axis));
  const after = sizeOf(dims.slice(axis + 1));
  const result = dims.map((each, index) => (index === axis ? size : each));
  if (positions === 0) return zeros(t, result);
  const last = after === 1;
  const matrix = Array<number>(positions * size).fill(0);
  for (const [position, each] of taps.entries()) {
    for (const { at, weight } of each) {
      const index = last ? position * size + at : at * positions + position;
      matrix[index] = (matrix[index] as number) + weight;
    }
  }
  const product = last
    ? t.op('MatMul', [reshape(t, value, [before, positions]), floats(t, [positions, size], matrix)])
    : t.op('MatMul', [
        floats(t, [size, positions], matrix),
        reshape(t, value, [before, positions, after]),
      ]);
  return reshape(t, product, result);
}
