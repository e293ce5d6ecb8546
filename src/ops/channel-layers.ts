import { axisOf, intOf } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { byParameters, from, given, NO_PLACE, numbers, opaque, pass } from './channel-answers.ts';
import type { ChannelRule, DimsOf, KnownOf, ParameterSlices } from './channel-rule.ts';

/** y is x / b. */
export const division: ChannelRule = {
  about: 'each by itself, as a numerator',
  passage: (node, index, channels, dims) => {
    if (index !== 0) return opaque(`${node.op} divides by the units`);
    const out = dims(node.outputs[0] as string);
    const axis = channels.axis + out.length - dims(node.inputs[0] as string).length;
    return out[axis] === channels.unit.length
      ? pass({ axis, unit: channels.unit }, true)
      : opaque(`${node.op} spreads the channel axis`);
  },
  silence: (node, channels, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    const own = dims(node.inputs[0] as string);
    const axis = channels.axis - (rank - own.length);
    return own[axis] === channels.unit.length
      ? from(0, { axis, unit: channels.unit })
      : opaque(`${node.op} spreads one value over the units`);
  },
};

/** Zero stays zero where the bounds hold it between them. */
export const clip: ChannelRule = {
  about: 'each by itself; zero stays zero where it lies within the bounds',
  passage: (node, index, channels, _dims, known) =>
    index === 0 ? pass(channels, holdsZero(node, known)) : opaque('the units are a bound here'),
  silence: (node, channels, _dims, known) =>
    holdsZero(node, known) ? from(0, channels) : opaque(`${node.op} of zero may not be zero`),
};

function holdsZero(node: Node, known: KnownOf | undefined): boolean {
  const min = given(node, 1) ? numbers(node, 1, known)?.[0] : -Infinity;
  const max = given(node, 2) ? numbers(node, 2, known)?.[0] : Infinity;
  return min !== undefined && max !== undefined && min <= 0 && 0 <= max;
}

/** A reduction over other axes than that of the channels; `zero` where that of zeros is zero. */
export const reduction = (zero: boolean): ChannelRule => ({
  about: `each by itself, over other axes than theirs${zero ? '' : '; zero does not stay zero'}`,
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NO_PLACE);
    const axes = reducedAxes(node, dims, known);
    if (!axes) return opaque(`${node.op} has axes that are not known`);
    if (axes.includes(channels.axis)) return opaque(`${node.op} reduces the channel axis`);
    const gone = keeps(node) ? 0 : axes.filter((axis) => axis < channels.axis).length;
    return pass({ axis: channels.axis - gone, unit: channels.unit }, zero);
  },
  silence: (node, channels, dims, known) => {
    const axes = reducedAxes(node, dims, known);
    if (!zero || !axes) return opaque(`${node.op} of zero is not zero, or its axes not known`);
    const rank = dims(node.inputs[0] as string).length;
    const left = Array.from({ length: rank }, (_, axis) => axis).filter(
      (axis) => keeps(node) || !axes.includes(axis),
    );
    const axis = left[channels.axis] as number;
    return axes.includes(axis)
      ? opaque(`${node.op} reduces the channel axis`)
      : from(0, { axis, unit: channels.unit });
  },
});

function keeps(node: Node): boolean {
  return intOf(node, 'keepdims', 1) === 1;
}

function reducedAxes(
  node: Node,
  dims: DimsOf,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const rank = dims(node.inputs[0] as string).length;
  const axes = given(node, 1) ? numbers(node, 1, known) : [];
  if (!axes) return undefined;
  if (axes.length > 0) return axes.map((axis) => axisOf(axis, rank));
  return intOf(node, 'noop_with_empty_axes', 0) === 1
    ? []
    : Array.from({ length: rank }, (_, axis) => axis);
}

/** y = scale (x - mean) / √(var + ε) + shift, by channel of an image: constant for a unit of zero. */
export const instanceNormalization: ChannelRule = {
  about: 'each by itself; zero does not stay zero',
  passage: (_node, index, channels) =>
    index === 0 && channels.axis === 1
      ? pass(channels, false)
      : opaque('the units are not on axis 1 of what is normalized'),
  silence: (_node, { axis, unit }) =>
    axis === 1 ? byParameters(scaleAndShift(0, unit)) : opaque('the units are not on axis 1'),
};

/** Normalizes by statistics over several units: what is zero changes the others. */
export const groupNormalization: ChannelRule = {
  about: 'none passes: normalized together',
  passage: (node) => opaque(`${node.op} normalizes several units together`),
  silence: (_node, { axis, unit }) =>
    axis === 1 ? byParameters(scaleAndShift(0, unit)) : opaque('the units are not on axis 1'),
};

/** The same over all axes from one on: units before it are normalized each by itself. */
export const layerNormalization: ChannelRule = {
  about: 'each by itself, over other axes than theirs',
  passage: (node, index, channels, dims) => {
    const first = axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length);
    return index === 0 && channels.axis < first
      ? pass(channels, !given(node, 2))
      : opaque(`${node.op} normalizes several units together`);
  },
  silence: (node, { axis, unit }, dims) => {
    const first = axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length);
    if (axis < first) return opaque(`${node.op} has one scale and shift for all units`);
    const slices = scaleAndShift(axis - first, unit).filter(({ input }) => given(node, input));
    const whole = slices.every(
      ({ input, axis }) => dims(node.inputs[input] as string)[axis] === unit.length,
    );
    return whole ? byParameters(slices) : opaque(`${node.op} has one scale for several units`);
  },
};

function scaleAndShift(axis: number, unit: Int32Array): ParameterSlices[] {
  return [
    { input: 1, axis, unit },
    { input: 2, axis, unit },
  ];
}

/** One row of W [units, units of the output / groups, ...] for each unit, whatever the groups. */
export const convTranspose: ChannelRule = {
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
    const bias = given(node, 2) ? [{ input: 2, axis: 0, unit }] : [];
    if (groups === 1) return byParameters([{ input: 1, axis: 1, unit }, ...bias]);
    // One unit for each group: it is made by the rows of its group.
    if (perGroup !== 1) return opaque('a grouped ConvTranspose makes units by part of its weights');
    const byRow = Int32Array.from(
      { length: rows },
      (_, row) => unit[Math.floor((row * groups) / rows)] as number,
    );
    return byParameters([{ input: 1, axis: 0, unit: byRow }, ...bias]);
  },
};
