import { axisOf, intOf } from '../graph/index.ts';
import { sizeOf, type Node } from '../onnx/index.ts';
import { reshape } from './emit.ts';
import { type Maths, maths } from './maths.ts';
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
import { DATA, NO_TRAITS, type Operator, plain } from './operator.ts';
import { type Tape } from './tape.ts';

/** A reduction over other axes than that of the channels; `zero` where that of zeros is zero. */
const reductionChannels = (zero: boolean): ChannelRule => ({
  about: `each by itself, over other axes than theirs${zero ? '' : '; zero does not stay zero'}`,
  passage: (node, index, channels, dims, known) => {
    if (index !== 0) return opaque(NOT_DATA);
    const axes = knownAxes(node, dims, known);
    if (!axes) return opaque(`${node.op} has axes that are not known`);
    if (axes.includes(channels.axis)) return opaque(`${node.op} reduces the channel axis`);
    const gone = keeps(node) ? 0 : axes.filter((axis) => axis < channels.axis).length;
    return pass({ axis: channels.axis - gone, unit: channels.unit }, zero);
  },
  silence: (node, channels, dims, known) => {
    const axes = knownAxes(node, dims, known);
    if (!zero || !axes) return opaque(`${node.op} of zero is not zero, or its axes not known`);
    const rank = dims(node.inputs[0] as string).length;
    const left = Array.from({ length: rank }, (_, axis) => axis).filter(
      (axis) => keeps(node) || !axes.includes(axis),
    );
    const axis = left[channels.axis] as number;
    return axes.includes(axis)
      ? opaque(`${node.op} reduces the channel axis`)
      : silencedBy(0, { axis, unit: channels.unit });
  },
  removal: 'as silenced',
  bounds: 'unknown',
});

function keeps(node: Node): boolean {
  return intOf(node, 'keepdims', 1) === 1;
}

function knownAxes(
  node: Node,
  dims: DimsOf,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const rank = dims(node.inputs[0] as string).length;
  const axes = isGiven(node, 1) ? knownInput(node, 1, known) : [];
  if (!axes) return undefined;
  if (axes.length > 0) return axes.map((axis) => axisOf(axis, rank));
  return intOf(node, 'noop_with_empty_axes', 0) === 1
    ? []
    : Array.from({ length: rank }, (_, axis) => axis);
}

const ZERO = reductionChannels(true);
const NOT_ZERO = reductionChannels(false);

/** y = Σ x: dx = dy, at every element summed. */
export const reduceSum: Operator = {
  gradient: (t) => [spread(t, t.dy[0] as string)],
  channels: ZERO,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = Σ x / n: dx = dy / n */
export const reduceMean: Operator = {
  gradient: (t) => {
    const count = sizeOf(t.dims(t.x[0] as string)) / sizeOf(t.dims(t.y[0] as string));
    return [spread(t, t.op('Div', [t.dy[0] as string, t.scalar(count)]))];
  },
  channels: ZERO,
  inputs: DATA,
  traits: NO_TRAITS,
};

/** y = Σ |x|: dx = dy sign x */
export const reduceL1 = reduction((m, x, _, dy) => m.mul(dy, m.sign(x)), ZERO);

/** y = √Σ x²: dx = dy x / y, 0 where y = 0 */
export const reduceL2 = reduction(
  (m, x, y, dy) => m.mul(m.where(m.equal(y, 0), 0, m.div(dy, y)), x),
  ZERO,
);

/** y = Σ x²: dx = 2 dy x */
export const reduceSumSquare = reduction((m, x, _, dy) => m.mul(m.mul(2, dy), x), ZERO);

/** y = ln Σ x: dx = dy / Σ x = dy e⁻ʸ */
export const reduceLogSum = plain((t) => {
  const m = maths(t);
  return [spread(t, m.mul(t.dy[0] as string, m.exp(m.neg(t.y[0] as string))))];
});

/** y = ln Σ eˣ: dx = dy e^(x - y) */
export const reduceLogSumExp = reduction((m, x, y, dy) => m.mul(dy, m.exp(m.sub(x, y))), NOT_ZERO);

/** y = max x or min x: dy in equal shares to the elements that are y */
export const reduceExtreme = reduction((m, x, y, dy, sum) => {
  const hit = m.where(m.equal(x, y), 1, 0);
  return m.mul(hit, m.div(dy, sum(hit)));
}, ZERO);

/**
 * y = Π x: dx = dy times the product of the others. That is y / x without zeros; a lone zero gets
 * the product of the rest, and with two or more all get 0.
 */
export const reduceProd = plain((t) => {
  const m = maths(t);
  const [x] = t.x as [string];
  const isZero = m.equal(x, 0);
  const filled = m.where(isZero, 1, x);
  const rest = reduced(t, 'ReduceProd', filled);
  const zeros = reduced(t, 'ReduceSum', m.where(isZero, 1, 0));
  const alone = m.where(m.equal(zeros, 1), rest, 0);
  const none = m.where(m.equal(zeros, 0), rest, 0);
  const others = m.where(isZero, alone, m.div(none, filled));
  return [m.mul(keepAxes(t, t.dy[0] as string), others)];
});

/** A reduction, from its gradient: a function of y and dy with the reduced axes kept. */
function reduction(
  gradient: (m: Maths, x: string, y: string, dy: string, sum: (value: string) => string) => string,
  channels: ChannelRule,
): Operator {
  return {
    gradient: (t) => {
      const kept = (value: string) => keepAxes(t, value);
      const sum = (value: string) => reduced(t, 'ReduceSum', value);
      const [x, y, dy] = [t.x[0], t.y[0], t.dy[0]] as [string, string, string];
      return [gradient(maths(t), x, kept(y), kept(dy), sum)];
    },
    channels,
    inputs: DATA,
    traits: NO_TRAITS,
  };
}

function reduced(t: Tape, op: 'ReduceSum' | 'ReduceProd', value: string): string {
  const axes = reducedAxes(t);
  return axes.length === 0 ? value : t.op(op, [value, t.ints(axes)], { keepdims: 1 });
}

/** The axes that a reduction reduces: an input in the canonical opset. */
export function reducedAxes(t: Tape): number[] {
  const rank = t.dims(t.x[0] as string).length;
  const given = t.x[1] ? Array.from(t.constant(t.x[1])?.data ?? [], Number) : [];
  if (given.length > 0) return given.map((axis) => axisOf(axis, rank));
  return intOf(t.node, 'noop_with_empty_axes', 0) === 1
    ? []
    : Array.from({ length: rank }, (_, axis) => axis);
}

/** A reduced value with the reduced axes kept, of length 1. */
export function keepAxes(t: Tape, value: string): string {
  const axes = new Set(reducedAxes(t));
  const kept = t.dims(t.x[0] as string).map((dim, axis) => (axes.has(axis) ? 1 : dim));
  return intOf(t.node, 'keepdims', 1) === 1 ? value : reshape(t, value, kept);
}

function spread(t: Tape, value: string): string {
  return t.op('Expand', [keepAxes(t, value), t.ints(t.dims(t.x[0] as string))]);
}
