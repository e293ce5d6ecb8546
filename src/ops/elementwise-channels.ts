import { sizeOf, type Node } from '../onnx/index.ts';
import { allOver, type Bounds, type BoundsAround, type BoundsRule } from './bounds.ts';
import { removeOperands } from './by-element.ts';
import {
  type ChannelRule,
  type Channels,
  type DimsOf,
  opaque,
  pass,
  type Passage,
  silencedBy,
} from './channel-rule.ts';

/** The bounds of an operand at each index of the output's axis. */
function operand(node: Node, index: number, axis: number, { dims, of }: BoundsAround): Bounds {
  const out = dims(node.outputs[0] as string);
  const own = dims(node.inputs[index] as string);
  const at = axis - (out.length - own.length);
  const size = out[axis] as number;
  const bounds = at < 0 ? allOver(of(index, 0)) : of(index, at);
  if (bounds.low.length === size) return bounds;
  const one = allOver(bounds);
  return {
    low: new Float64Array(size).fill(one.low[0] as number),
    high: new Float64Array(size).fill(one.high[0] as number),
  };
}

const combined =
  (by: (a: Bounds, b: Bounds, unit: number) => readonly number[]): BoundsRule =>
  (node, axis, around) =>
    node.inputs
      .map((_, index) => operand(node, index, axis, around))
      .reduce((a, b) => ({
        low: a.low.map((_, unit) => Math.min(...by(a, b, unit))),
        high: a.high.map((_, unit) => Math.max(...by(a, b, unit))),
      }));

export const sumBounds = combined(({ low, high }, b, unit) => [
  (low[unit] as number) + (b.low[unit] as number),
  (high[unit] as number) + (b.high[unit] as number),
]);

export const differenceBounds = combined(({ low, high }, b, unit) => [
  (low[unit] as number) - (b.high[unit] as number),
  (high[unit] as number) - (b.low[unit] as number),
]);

const productBounds = combined((a, b, unit) =>
  [a.low, a.high].flatMap((one) =>
    // As bounds, 0 times infinity is 0.
    [b.low, b.high].map((other) => (one[unit] as number) * (other[unit] as number) || 0),
  ),
);

const quotientBounds = combined((a, b, unit) =>
  (b.low[unit] as number) > 0 || (b.high[unit] as number) < 0
    ? [a.low, a.high].flatMap((one) =>
        [b.low, b.high].map((other) => (one[unit] as number) / (other[unit] as number)),
      )
    : [-Infinity, Infinity],
);

/** Both operands have the same channels: all must be zero for the output to be zero. */
export const sumChannels: ChannelRule = {
  about: 'with the same unit of the other operand',
  passage: (node, index, channels, dims) => throughBroadcast(node, index, channels, dims, false),
  silence: (node, channels, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    const inputs = node.inputs.map((input, index) => {
      const own = dims(input);
      const axis = channels.axis - (rank - own.length);
      return { index, axis, size: own[axis] };
    });
    return inputs.every(({ size }) => size === channels.unit.length)
      ? {
          kind: 'silence',
          parameters: [],
          inputs: inputs.map(({ index, axis }) => ({
            index,
            channels: { axis, unit: channels.unit },
          })),
        }
      : opaque(`${node.op} spreads one value over the units`);
  },
  removal: removeOperands,
  bounds: 'unknown',
};

/**
 * One operand of zero is enough: a constant one (a scale of each unit), else the larger one (x and not
 * its gate), else the first.
 */
export const productChannels: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims) => throughBroadcast(node, index, channels, dims, true),
  silence: (node, channels, dims, known) => {
    const rank = dims(node.outputs[0] as string).length;
    const operands = node.inputs.flatMap((input, index) => {
      const own = dims(input);
      const axis = channels.axis - (rank - own.length);
      const order = known?.(input) ? Infinity : sizeOf(own);
      return own[axis] === channels.unit.length ? [{ index, axis, order }] : [];
    });
    const [chosen] = operands.toSorted((a, b) => b.order - a.order || a.index - b.index);
    return chosen
      ? {
          kind: 'silence',
          parameters: [],
          inputs: [{ index: chosen.index, channels: { axis: chosen.axis, unit: channels.unit } }],
        }
      : opaque(`${node.op} spreads its operands over the units`);
  },
  removal: removeOperands,
  bounds: productBounds,
};

function throughBroadcast(
  node: Node,
  index: number,
  channels: Channels,
  dims: DimsOf,
  zero: boolean,
): Passage {
  const rank = dims(node.outputs[0] as string).length;
  const own = dims(node.inputs[index] as string);
  const axis = channels.axis + rank - own.length;
  return dims(node.outputs[0] as string)[axis] === channels.unit.length
    ? { kind: 'pass', channels: { axis, unit: channels.unit }, zero }
    : opaque(`${node.op} spreads the channel axis`);
}

/** y is x / b. */
export const quotientChannels: ChannelRule = {
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
      ? silencedBy(0, { axis, unit: channels.unit })
      : opaque(`${node.op} spreads one value over the units`);
  },
  removal: removeOperands,
  bounds: quotientBounds,
};
