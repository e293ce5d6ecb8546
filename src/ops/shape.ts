import { int64, sizeOf } from '../onnx/index.ts';
import { withLengthIn } from './by-element.ts';
import { reshape as reshaped } from './emit.ts';
import { type ChannelRule, type Channels, opaque, pass, silencedBy } from './channel-rule.ts';
import { DATA, type Operator, plain } from './operator.ts';
import { none, zero } from './tape.ts';

const reshapeChannels: ChannelRule = {
  about: 'one becomes several indices, or several one',
  passage: (node, index, channels, dims) => {
    if (index !== 0) return opaque('the units decide a shape here');
    const mapped = throughReshape(
      channels,
      dims(node.inputs[0] as string),
      dims(node.outputs[0] as string),
    );
    return mapped ? pass(mapped, true) : opaque(`${node.op} mixes the channel axis`);
  },
  silence: (node, channels, dims) => {
    const [from, to] = [dims(node.outputs[0] as string), dims(node.inputs[0] as string)];
    const mapped = throughReshape(channels, from, to) ?? backThroughReshape(channels, from, to);
    return mapped ? silencedBy(0, mapped) : opaque(`${node.op} mixes the channel axis`);
  },
  removal: 'as silenced',
  bounds: 'unknown',
};

/**
 * Where the units lie after a reshape. Axes before the channel axis must stay as they are, up to one
 * axis of the result which holds the channels and, before or after them, whole axes merged with it.
 */
export function throughReshape(
  channels: Channels,
  from: readonly number[],
  to: readonly number[],
): Channels | undefined {
  const inner = sizeOf(from.slice(channels.axis + 1));
  const width = from[channels.axis] as number;
  for (const [axis, size] of to.entries()) {
    // Axis 0 is the batch, which has another length in the next run.
    if (axis === 0) continue;
    const after = sizeOf(to.slice(axis + 1));
    // Index i of this axis holds elements [i * after, (i + 1) * after) of a run of size * after.
    const run = size * after;
    if (inner % after !== 0 || run % (width * inner) !== 0) continue;
    const unit = Int32Array.from(
      { length: size },
      (_, i) => channels.unit[Math.floor((i * after) / inner) % width] as number,
    );
    return { axis, unit };
  }
  return undefined;
}

/** The axis before a reshape of which each index holds places of one unit, such as before a Flatten. */
function backThroughReshape(
  channels: Channels,
  from: readonly number[],
  to: readonly number[],
): Channels | undefined {
  const inner = sizeOf(from.slice(channels.axis + 1));
  for (const [axis, size] of to.entries()) {
    if (axis === 0) continue;
    const after = sizeOf(to.slice(axis + 1));
    const unit = Int32Array.from(
      { length: size },
      (_, i) => channels.unit[Math.floor((i * after) / inner) % channels.unit.length] as number,
    );
    const again = throughReshape({ axis, unit }, to, from);
    const same =
      again?.axis === channels.axis &&
      again.unit.every((each, place) => each === channels.unit[place]);
    if (same) return { axis, unit };
  }
  return undefined;
}

/** Flatten, Squeeze, Unsqueeze: the same elements with other dims. */
export const reshaping: Operator = {
  gradient: (t) => [reshaped(t, t.dy[0] as string, t.dims(t.x[0] as string))],
  channels: reshapeChannels,
  inputs: DATA,
  traits: { moves: 'reshaped' },
};

export const reshape: Operator = {
  ...reshaping,
  channels: withLengthIn(1, reshapeChannels),
  inputs: { shape: { input: 1, infers: true } },
};

/** The dims of the input, or a part of them. */
export const shape: Operator = {
  ...plain(none('its output is integer')),
  traits: {
    ofDims: ({ attributes }, dims) => {
      const { start = 0, end = dims.length } = attributes as {
        start?: number | undefined;
        end?: number | undefined;
      };
      const part = dims.slice(start, end);
      return int64([part.length], part);
    },
  },
};

/** The number of elements of the input. */
export const size: Operator = {
  ...plain(none('its output is integer')),
  traits: { ofDims: (_node, dims) => int64([], [sizeOf(dims)]) },
};

/** A value repeated to the dims of an input. */
export const constantOfShape: Operator = {
  ...plain(zero('depends on the dims of its input only')),
  inputs: { shape: { input: 0, infers: false } },
};
