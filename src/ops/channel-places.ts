import { axisOf, floatOf, intOf, stringOf } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { from, given, NO_PLACE, numbers, opaque, pass } from './channel-answers.ts';
import type { ChannelRule, DimsOf, KnownOf } from './channel-rule.ts';

/** The only output of a Split (others are not told apart here), or a Slice. */
export const slicing: ChannelRule = {
  about: 'those that are cut out',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NO_PLACE);
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
    return from(0, { axis: channels.axis, unit });
  },
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
  const starts = numbers(node, 1, known);
  const axes = given(node, 3) ? numbers(node, 3, known) : starts?.map((_, index) => index);
  const steps = given(node, 4) ? numbers(node, 4, known) : starts?.map(() => 1);
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

/** Units keep their places if their own axis is not padded. */
export const padding: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NO_PLACE);
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
    return from(0, { axis: channels.axis, unit });
  },
};

/** The index that each index of the padded axis holds, -1 where it holds the constant. */
function paddedPlaces(
  node: Node,
  axis: number,
  dims: DimsOf,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const own = dims(node.inputs[0] as string);
  const pads = numbers(node, 1, known);
  const axes = given(node, 3) ? numbers(node, 3, known) : own.map((_, index) => index);
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
  if (stringOf(node, 'mode', 'constant') !== 'constant' || !given(node, 2)) return true;
  return numbers(node, 2, known)?.[0] === 0;
}

/** Images made larger or smaller, channel by channel. */
export const resizing: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NO_PLACE);
    const why = resizesUnits(node, channels.axis, dims, known);
    return why === undefined ? pass(channels, extrapolatesZero(node)) : opaque(why);
  },
  silence: (node, channels, dims, known) => {
    const why = resizesUnits(node, channels.axis, dims, known);
    if (why !== undefined) return opaque(why);
    return extrapolatesZero(node)
      ? from(0, channels)
      : opaque('Resize holds a value other than zero outside of the image');
  },
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
  if (!given(node, 2)) return undefined;
  // A scale close to 1 may keep the size and mix the units all the same.
  const scale = numbers(node, 2, known)?.[axes.indexOf(axis)];
  return scale === 1 ? undefined : 'Resize has scales that are not known to keep the channels';
}

function extrapolatesZero(node: Node): boolean {
  return (
    stringOf(node, 'coordinate_transformation_mode', 'half_pixel') !== 'tf_crop_and_resize' ||
    floatOf(node, 'extrapolation_value', 0) === 0
  );
}

/** Blocks of pixels become channels: unit c is at every index that is c modulo the channels. */
export const spaceToDepth: ChannelRule = {
  about: 'one becomes several indices',
  passage: (node, index, channels) => {
    if (index !== 0 || channels.axis !== 1) return opaque('SpaceToDepth has its units on axis 1');
    const times = intOf(node, 'blocksize', 1) ** 2;
    return pass({ axis: 1, unit: repeated(channels.unit, times) }, true);
  },
  silence: (node, channels) => {
    const unit = common(channels.unit, intOf(node, 'blocksize', 1) ** 2, 'DCR');
    return channels.axis === 1 && unit
      ? from(0, { axis: 1, unit })
      : opaque('SpaceToDepth spreads a channel over several units');
  },
};

/** The way back: units pass where the channels that become one plane are all of one unit. */
export const depthToSpace: ChannelRule = {
  about: 'several indices become one',
  passage: (node, index, channels) => {
    const order = stringOf(node, 'mode', 'DCR');
    const unit = common(channels.unit, intOf(node, 'blocksize', 1) ** 2, order);
    return index === 0 && channels.axis === 1 && unit
      ? pass({ axis: 1, unit }, true)
      : opaque('DepthToSpace puts several units into one plane');
  },
  silence: (node, channels) => {
    if (channels.axis !== 1) return opaque('DepthToSpace has its units on axis 1');
    const times = intOf(node, 'blocksize', 1) ** 2;
    const unit =
      stringOf(node, 'mode', 'DCR') === 'DCR'
        ? repeated(channels.unit, times)
        : Int32Array.from(
            { length: channels.unit.length * times },
            (_, index) => channels.unit[Math.floor(index / times)] as number,
          );
    return from(0, { axis: 1, unit });
  },
};

function repeated(unit: Int32Array, times: number): Int32Array {
  return Int32Array.from(
    { length: unit.length * times },
    (_, index) => unit[index % unit.length] as number,
  );
}

/** The unit of each plane, where all the channels that make it up are of one unit. */
function common(unit: Int32Array, times: number, order: string): Int32Array | undefined {
  const planes = unit.length / times;
  const planeOf = (channel: number) =>
    order === 'DCR' ? channel % planes : Math.floor(channel / times);
  const found = new Int32Array(planes);
  for (const [channel, each] of unit.entries()) found[planeOf(channel)] = each;
  return unit.every((each, channel) => found[planeOf(channel)] === each) ? found : undefined;
}
