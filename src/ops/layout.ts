import type { Node } from '../onnx/index.ts';
import { intOf, intsOf, stringOf } from '../graph/index.ts';
import { reshape, sumTo, transpose as permute } from './emit.ts';
import { KEEPS_ZERO } from './by-element.ts';
import {
  BLOCKED,
  type ChannelRule,
  type DimsOf,
  opaque,
  pass,
  silencedBy,
} from './channel-rule.ts';
import { DATA, NO_TRAITS, type Operator, plain } from './operator.ts';
import { type Tape } from './tape.ts';

const transposeChannels: ChannelRule = {
  about: 'on another axis',
  passage: (node, _index, channels, dims) => {
    const perm = permOf(node, dims);
    return {
      kind: 'pass',
      channels: { axis: perm.indexOf(channels.axis), unit: channels.unit },
      zero: true,
    };
  },
  silence: (node, channels, dims) => ({
    kind: 'silence',
    parameters: [],
    inputs: [
      {
        index: 0,
        channels: { axis: permOf(node, dims)[channels.axis] as number, unit: channels.unit },
      },
    ],
  }),
  removal: 'as silenced',
  bounds: 'unknown',
};

function permOf(node: Node, dims: DimsOf): readonly number[] {
  const rank = dims(node.inputs[0] as string).length;
  return intsOf(
    node,
    'perm',
    Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  );
}

/** dx is dy under the inverse permutation. */
export const transpose: Operator = {
  gradient: (t) => {
    const rank = t.dims(t.x[0] as string).length;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const perm = intsOf(t.node, 'perm', axes.toReversed());
    return [
      permute(
        t,
        t.dy[0] as string,
        axes.map((axis) => perm.indexOf(axis)),
      ),
    ];
  },
  channels: transposeChannels,
  inputs: DATA,
  traits: { moves: 'rearranged', image: 'permuted' },
};

/** dx is dy, summed over the copies of each element. */
export const expand: Operator = {
  gradient: (t) => [
    sumTo(t, t.dy[0] as string, t.dims(t.y[0] as string), t.dims(t.x[0] as string)),
  ],
  channels: BLOCKED,
  inputs: { shape: { input: 1, infers: false } },
  traits: { moves: 'rearranged' },
};

/** dx is dy, summed over the copies of each element: reshaped to [copies, size, ...], over the copies. */
export const tile: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const output = t.dims(t.y[0] as string);
    if (dims.every((size, axis) => size === output[axis])) return [t.dy[0]];
    const copies = dims.flatMap((size, axis) => [
      size === 0 ? 1 : (output[axis] as number) / size,
      size,
    ]);
    const split = reshape(t, t.dy[0] as string, copies);
    return [t.op('ReduceSum', [split, t.ints(dims.map((_, axis) => 2 * axis))], { keepdims: 0 })];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { moves: 'rearranged' },
};

/** dx is the same triangle of dy: elements outside of it get zero. */
export const trilu = plain((t) => [
  t.op('Trilu', [t.dy[0] as string, ...t.x.slice(1)], t.node.attributes),
]);

/** dx is dy, reversed in the same way: the operator is its own inverse. */
export const reverseSequence = plain((t) => [
  t.op('ReverseSequence', [t.dy[0] as string, t.x[1] as string], t.node.attributes),
]);

/** dx is dy in the type of x. Only casts between float types get a gradient. */
export const cast: Operator = {
  gradient: (t) => [t.op('CastLike', [t.dy[0] as string, t.x[0] as string])],
  channels: KEEPS_ZERO,
  inputs: DATA,
  traits: { moves: 'in place', image: 'kept' },
};

/** Like Cast, to the type of another value. */
export const castLike: Operator = { ...cast, inputs: { typeFrom: 1 }, traits: NO_TRAITS };

/** Blocks of pixels become channels: unit c is at every index that is c modulo the channels. */
const spaceToDepthChannels: ChannelRule = {
  about: 'one becomes several indices',
  passage: (node, index, channels) => {
    if (index !== 0 || channels.axis !== 1) return opaque('SpaceToDepth has its units on axis 1');
    const times = intOf(node, 'blocksize', 1) ** 2;
    return pass({ axis: 1, unit: repeated(channels.unit, times) }, true);
  },
  silence: (node, channels) => {
    const unit = common(channels.unit, intOf(node, 'blocksize', 1) ** 2, 'DCR');
    return channels.axis === 1 && unit
      ? silencedBy(0, { axis: 1, unit })
      : opaque('SpaceToDepth spreads a channel over several units');
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

/** The inverse: units pass if all channels that become one plane belong to one unit. */
const depthToSpaceChannels: ChannelRule = {
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
    return silencedBy(0, { axis: 1, unit });
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

function repeated(unit: Int32Array, times: number): Int32Array {
  return Int32Array.from(
    { length: unit.length * times },
    (_, index) => unit[index % unit.length] as number,
  );
}

/** The unit of each plane; undefined if channels of several units make up a plane. */
function common(unit: Int32Array, times: number, order: string): Int32Array | undefined {
  const planes = unit.length / times;
  const planeOf = (channel: number) =>
    order === 'DCR' ? channel % planes : Math.floor(channel / times);
  const found = new Int32Array(planes);
  for (const [channel, each] of unit.entries()) found[planeOf(channel)] = each;
  return unit.every((each, channel) => found[planeOf(channel)] === each) ? found : undefined;
}

/** dx has the blocks of dy as channels again. */
export const depthToSpace: Operator = {
  gradient: (t) => {
    const dy = t.dy[0] as string;
    const blocksize = intOf(t.node, 'blocksize', 1);
    return [
      stringOf(t.node, 'mode', 'DCR') === 'DCR'
        ? t.op('SpaceToDepth', [dy], { blocksize })
        : channelsFirst(t, dy, blocksize),
    ];
  },
  channels: depthToSpaceChannels,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** From [N, C, H/b, b, W/b, b] to [N, C b b, H/b, W/b]. */
function channelsFirst(t: Tape, dy: string, block: number): string {
  const [images, channels, height, width] = t.dims(t.x[0] as string) as [
    number,
    number,
    number,
    number,
  ];
  const blocks = [images, channels / block ** 2, height, block, width, block];
  return reshape(t, permute(t, reshape(t, dy, blocks), [0, 1, 3, 5, 2, 4]), [
    images,
    channels,
    height,
    width,
  ]);
}

/** dx is the inverse: SpaceToDepth orders channels like DepthToSpace in mode DCR. */
export const spaceToDepth: Operator = {
  gradient: (t) => [
    t.op('DepthToSpace', [t.dy[0] as string], { blocksize: intOf(t.node, 'blocksize', 1) }),
  ],
  channels: spaceToDepthChannels,
  inputs: DATA,
  traits: NO_TRAITS,
};
