import {
  type ChannelRule,
  isGiven,
  opaque,
  pass,
  type RemovalRule,
  removing,
  silencedBy,
} from './channel-rule.ts';

/** What is removed of the output is removed of the first input. */
const removeFirst: RemovalRule = (_node, channels) => removing([{ index: 0, channels }]);

/** y = f(x) by element with f(0) = 0. */
export const KEEPS_ZERO: ChannelRule = {
  about: 'each by itself',
  byElement: true,
  passage: (_node, index, channels) =>
    index === 0 ? pass(channels, true) : opaque('the units are a parameter here'),
  silence: (_node, channels) => silencedBy(0, channels),
  removal: removeFirst,
  bounds: 'unknown',
};

/** y = f(x) by element with f(0) ≠ 0. */
export const MOVES_ZERO: ChannelRule = {
  about: 'each by itself; zero does not stay zero',
  byElement: true,
  passage: (_node, index, channels) =>
    index === 0 ? pass(channels, false) : opaque('the units are a parameter here'),
  silence: (node) => opaque(`${node.op} of zero is not zero`),
  removal: removeFirst,
  bounds: 'unknown',
};

/** y = x. */
export const UNCHANGED: ChannelRule = {
  ...KEEPS_ZERO,
  bounds: (_node, axis, { of }) => of(0, axis),
};

/** Windows over all axes but the first two, as those of a pooling: channels lie along axis 1. */
export const BY_WINDOW: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims) =>
    channels.axis === 1
      ? KEEPS_ZERO.passage(node, index, channels, dims)
      : opaque(`${node.op} pools over the channel axis`),
  silence: (node, channels, dims) =>
    channels.axis === 1
      ? KEEPS_ZERO.silence(node, channels, dims)
      : opaque(`${node.op} pools over the channel axis`),
  removal: 'as silenced',
  bounds: 'unknown',
};

/** Every operand that has the axis of the units, and not one value for all of them, loses indices. */
export const removeOperands: RemovalRule = (node, channels, dims) => {
  const rank = dims(node.outputs[0] as string).length;
  const operands = node.inputs.flatMap((input, index) => {
    const own = dims(input);
    const axis = channels.axis - (rank - own.length);
    return own[axis] === channels.unit.length
      ? [{ index, channels: { axis, unit: channels.unit } }]
      : [];
  });
  return removing(operands);
};

/** The same, where input `index` says how long the axis is. */
export function withLengthIn(index: number, rule: ChannelRule): ChannelRule {
  return {
    ...rule,
    removal: (node, channels, dims, known) => {
      const silence = rule.silence(node, channels, dims, known);
      if (silence.kind === 'opaque' || !isGiven(node, index)) return undefined;
      return {
        kind: 'removal',
        operands: silence.inputs,
        length: { index, element: channels.axis },
      };
    },
  };
}
