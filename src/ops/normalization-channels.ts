import type { Node } from '../onnx/index.ts';
import { axisOf, floatOf, intOf } from '../graph/index.ts';
import { type BoundsRule, products } from './bounds.ts';
import {
  type ChannelRule,
  isGiven,
  type KnownOf,
  opaque,
  type ParameterSlices,
  pass,
  removing,
  type RemovalRule,
  silencedByParameters,
} from './channel-rule.ts';

/** The input, the parameters and the statistics of each channel. */
const removeParameters: RemovalRule = (node, channels) =>
  channels.axis === 1
    ? removing([
        { index: 0, channels },
        ...node.inputs
          .map((_, index) => index)
          .slice(1)
          .map((index) => ({ index, channels: { axis: 0, unit: channels.unit } })),
      ])
    : undefined;

/** scale / √(var + ε). */
function batchScales(node: Node, known: KnownOf): Float64Array | undefined {
  const [scale, variance] = [1, 4].map((index) => known(node.inputs[index] as string)?.data);
  if (!scale || !variance) return undefined;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  return Float64Array.from(
    scale as Float32Array,
    (each, unit) => each / Math.sqrt((variance[unit] as number) + epsilon),
  );
}

/** y = scale (x - mean) / √(var + ε) + shift. */
const batchBounds: BoundsRule = (node, axis, { known, of }) => {
  const factor = batchScales(node, known);
  const [shift, mean] = [2, 3].map((index) => known(node.inputs[index] as string)?.data);
  if (axis !== 1 || !factor || !shift || !mean) return undefined;
  return products(
    {
      data: factor,
      units: factor.length,
      first: (unit) => unit,
      count: 1,
      each: 1,
      alpha: 1,
    },
    of(0, 1),
    (unit) => (shift[unit] as number) - (mean[unit] as number) * (factor[unit] as number),
  );
};

/** y = scale (x − mean) / √(var + ε) + shift: zero scale and shift make zero, whatever x is. */
export const batchChannels: ChannelRule = {
  about: 'each by itself; zero does not stay zero',
  passage: (_node, index, channels) =>
    index === 0 && channels.axis === 1
      ? { kind: 'pass', channels, zero: false }
      : opaque('the units are not on axis 1 of what is normalized'),
  silence: (_node, { axis, unit }) =>
    axis === 1
      ? { kind: 'silence', parameters: scaleAndShift(0, unit), inputs: [] }
      : opaque('BatchNormalization has its units on axis 1'),
  removal: removeParameters,
  bounds: batchBounds,
  scales: batchScales,
};

/** y = scale (x - mean) / √(var + ε) + shift, by channel of an image: constant for a unit of zero. */
export const instanceChannels: ChannelRule = {
  about: 'each by itself; zero does not stay zero',
  passage: (_node, index, channels) =>
    index === 0 && channels.axis === 1
      ? pass(channels, false)
      : opaque('the units are not on axis 1 of what is normalized'),
  silence: (_node, { axis, unit }) =>
    axis === 1
      ? silencedByParameters(scaleAndShift(0, unit))
      : opaque('the units are not on axis 1'),
  removal: removeParameters,
  bounds: 'unknown',
};

/** Normalizes by statistics over several units: what is zero changes the others. */
export const groupChannels: ChannelRule = {
  about: 'none passes: normalized together',
  passage: (node) => opaque(`${node.op} normalizes several units together`),
  silence: (_node, { axis, unit }) =>
    axis === 1
      ? silencedByParameters(scaleAndShift(0, unit))
      : opaque('the units are not on axis 1'),
  removal: (node) => opaque(`${node.op} normalizes several units together`),
  bounds: 'unknown',
};

/** The same over all axes from one on: units before it are normalized each by itself. */
export const layerChannels: ChannelRule = {
  about: 'each by itself, over other axes than theirs',
  passage: (node, index, channels, dims) => {
    const first = axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length);
    return index === 0 && channels.axis < first
      ? pass(channels, !isGiven(node, 2))
      : opaque(`${node.op} normalizes several units together`);
  },
  silence: (node, { axis, unit }, dims) => {
    const first = axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length);
    if (axis < first) return opaque(`${node.op} has one scale and shift for all units`);
    const slices = scaleAndShift(axis - first, unit).filter(({ input }) => isGiven(node, input));
    const whole = slices.every(
      ({ input, axis }) => dims(node.inputs[input] as string)[axis] === unit.length,
    );
    return whole
      ? silencedByParameters(slices)
      : opaque(`${node.op} has one scale for several units`);
  },
  removal: (node, channels, dims) =>
    channels.axis < axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length)
      ? removing([{ index: 0, channels }])
      : opaque(`${node.op} normalizes several units together`),
  bounds: 'unknown',
};

function scaleAndShift(axis: number, unit: Int32Array): ParameterSlices[] {
  return [
    { input: 1, axis, unit },
    { input: 2, axis, unit },
  ];
}
