import { sizeOf, type Node } from '../onnx/index.ts';
import { add } from './emit.ts';
import { maths } from './maths.ts';
import { type Bounds, type BoundsAround, type BoundsRule, allOver } from './bounds.ts';
import { KEEPS_ZERO, removeOperands, UNCHANGED } from './by-element.ts';
import {
  BLOCKED,
  type ChannelRule,
  type Channels,
  type DimsOf,
  opaque,
  pass,
  type Passage,
  silencedBy,
} from './channel-rule.ts';
import { DATA, NO_TRAITS, type Operator } from './operator.ts';

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

const sumBounds = combined(({ low, high }, b, unit) => [
  (low[unit] as number) + (b.low[unit] as number),
  (high[unit] as number) + (b.high[unit] as number),
]);

const differenceBounds = combined(({ low, high }, b, unit) => [
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
const sumChannels: ChannelRule = {
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
 * One operand of zero is enough: a constant one, a scale of each unit, else the larger, so that x and
 * not its gate is chosen of a gated x, else the first.
 */
const productChannels: ChannelRule = {
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
const quotientChannels: ChannelRule = {
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

/** y = a + b */
export const addition: Operator = {
  broadcasts: true,
  gradient: (t) => [t.dy[0], t.dy[0]],
  channels: { ...sumChannels, bounds: sumBounds },
  inputs: { weights: [0, 1], shifts: [0, 1] },
  traits: { arithmetic: '+', keepsChannels: true, scores: 'logits', image: 'kept' },
};

/** y = a - b */
export const subtraction: Operator = {
  broadcasts: true,
  gradient: (t) => [t.dy[0], t.wants(1) ? t.op('Neg', [t.dy[0] as string]) : undefined],
  channels: { ...sumChannels, bounds: differenceBounds },
  inputs: { weights: [0, 1] },
  traits: { arithmetic: '-', keepsChannels: true, image: 'kept' },
};

/** y = a b: da = dy b, db = dy a */
export const multiplication: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const [a, b] = t.x as [string, string];
    const dy = t.dy[0] as string;
    return [
      t.wants(0) ? t.op('Mul', [dy, b]) : undefined,
      t.wants(1) ? t.op('Mul', [dy, a]) : undefined,
    ];
  },
  channels: productChannels,
  inputs: { weights: [0, 1] },
  traits: { arithmetic: '*', keepsChannels: true, image: 'kept' },
};

/** y = a / b: da = dy / b, db = -dy y / b */
export const division: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const b = t.x[1] as string;
    const da = t.op('Div', [t.dy[0] as string, b]);
    return [
      t.wants(0) ? da : undefined,
      t.wants(1) ? t.op('Neg', [t.op('Mul', [da, t.y[0] as string])]) : undefined,
    ];
  },
  channels: quotientChannels,
  inputs: { weights: [0] },
  traits: { arithmetic: '/', keepsChannels: true, image: 'kept' },
};

/** y = -x */
export const negation: Operator = {
  gradient: (t) => [t.op('Neg', [t.dy[0] as string])],
  channels: KEEPS_ZERO,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = x₁ + x₂ + ... */
export const sum: Operator = {
  broadcasts: true,
  gradient: (t) => t.x.map(() => t.dy[0]),
  channels: { ...sumChannels, bounds: sumBounds },
  inputs: { shifts: [0, 1] },
  traits: { keepsChannels: true },
};

export const identity: Operator = {
  gradient: (t) => [t.dy[0]],
  channels: UNCHANGED,
  inputs: DATA,
  traits: { moves: 'in place', keepsChannels: true, image: 'kept' },
};

/** y = (x₁ + ... + xₙ) / n */
export const mean: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const share = maths(t).div(t.dy[0] as string, t.x.length);
    return t.x.map(() => share);
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = aᵇ: da = dy b aᵇ⁻¹, db = dy y ln a; 0 where b = 0, and where a = 0 and b ≥ 0, as in the limit */
export const power: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const m = maths(t);
    const [a, given] = t.x as [string, string];
    const [y] = t.y as [string];
    const dy = t.dy[0] as string;
    // The exponent may be of another type.
    const b = t.type(given) === t.type(a) ? given : t.op('CastLike', [given, a]);
    const slope = () => m.where(m.equal(b, 0), 0, m.mul(b, m.pow(a, m.sub(b, 1))));
    const growth = () => m.where(m.both(m.equal(a, 0), m.not(m.less(b, 0))), 0, m.mul(y, m.log(a)));
    return [
      t.wants(0) ? m.mul(dy, slope()) : undefined,
      t.wants(1) ? m.mul(dy, growth()) : undefined,
    ];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { keepsChannels: true },
};

/** y = a - b trunc(a/b), the remainder of a's sign: da = dy, db = -dy trunc(a/b) = dy (y - a)/b */
export const remainder: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const m = maths(t);
    const [a, b] = t.x as [string, string];
    const dy = t.dy[0] as string;
    return [dy, t.wants(1) ? m.mul(dy, m.div(m.sub(t.y[0] as string, a), b)) : undefined];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = a where the condition holds, else b */
export const choice: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const m = maths(t);
    const condition = t.x[0] as string;
    const dy = t.dy[0] as string;
    return [
      undefined,
      t.wants(1) ? m.where(condition, dy, 0) : undefined,
      t.wants(2) ? m.where(condition, 0, dy) : undefined,
    ];
  },
  channels: BLOCKED,
  inputs: { typeFrom: 1 },
  traits: NO_TRAITS,
};

/** y = max(x₁, ..., xₙ) or min: dy in equal shares to those that are y */
export const extreme: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const m = maths(t);
    if (t.x.length === 1) return [t.dy[0]];
    const hits = t.x.map((x) => m.where(m.equal(x, t.y[0] as string), 1, 0));
    const share = m.div(t.dy[0] as string, add(t, hits));
    return hits.map((hit, index) => (t.wants(index) ? m.mul(share, hit) : undefined));
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: NO_TRAITS,
};
