import type { Node } from '../onnx/index.ts';
import { floatOf } from '../graph/index.ts';
import { sumTo } from './emit.ts';
import { maths, pointwise } from './maths.ts';
import { restsAt, gate } from './activation.ts';
import { KEEPS_ZERO, MOVES_ZERO, removeOperands } from './by-element.ts';
import {
  BLOCKED,
  type ChannelRule,
  isGiven,
  knownInput,
  type KnownOf,
  opaque,
  pass,
  silencedBy,
} from './channel-rule.ts';
import { DATA, NO_TRAITS, type Operator } from './operator.ts';

/** y = max(x, 0): dx = dy where y > 0. As a product: Where takes twice as long in ONNX Runtime. */
export const relu: Operator = {
  gradient: (t) => {
    const y = t.y[0] as string;
    const open = t.op('Greater', [y, t.scalar(0)]);
    return [t.op('Mul', [t.dy[0] as string, t.op('CastLike', [open, y])])];
  },
  channels: KEEPS_ZERO,
  inputs: DATA,
  traits: { activation: restsAt(0), image: 'kept' },
};

/** y = x where x > 0, else α x: dy/dx = 1 or α */
export const leakyRelu = pointwise(
  (m, x, _, node) => m.where(m.greater(x, 0), 1, floatOf(node, 'alpha', 0.01)),
  KEEPS_ZERO,
  { activation: restsAt(0) },
);

/** y = x where x > 0, else s x: dx = dy or dy s, ds = 0 or dy x */
export const pRelu: Operator = {
  broadcasts: true,
  gradient: (t) => {
    const m = maths(t);
    const [x, s] = t.x as [string, string];
    const dy = t.dy[0] as string;
    const positive = m.greater(x, 0);
    return [
      t.wants(0) ? m.where(positive, dy, m.mul(dy, s)) : undefined,
      t.wants(1) ? m.where(positive, 0, m.mul(dy, x)) : undefined,
    ];
  },
  channels: { ...KEEPS_ZERO, removal: removeOperands },
  inputs: { weights: [1] },
  traits: { activation: restsAt(0) },
};

/** y = x where x > α, else 0: dy/dx = 1 or 0 */
export const thresholdedRelu = pointwise(
  (m, x, _, node) => m.where(m.greater(x, floatOf(node, 'alpha', 1)), 1, 0),
  KEEPS_ZERO,
  { activation: restsAt(0) },
);

/** y = x where x > 0, else α (eˣ - 1): dy/dx = 1 or y + α */
export const elu = pointwise(
  (m, x, y, node) => m.where(m.greater(x, 0), 1, m.add(y, floatOf(node, 'alpha', 1))),
  KEEPS_ZERO,
  { activation: restsAt(0) },
);

/** y = γ x where x > 0, else γ α (eˣ - 1): dy/dx = γ or y + γ α */
export const selu = pointwise(
  (m, x, y, node) => {
    const alpha = floatOf(node, 'alpha', 1.67326319217681884765625);
    const gamma = floatOf(node, 'gamma', 1.05070102214813232421875);
    return m.where(m.greater(x, 0), gamma, m.add(y, gamma * alpha));
  },
  KEEPS_ZERO,
  { activation: restsAt(0) },
);

/** y = x where x > 0, else α (e^(x/α) - 1): dy/dx = 1 or y/α + 1 */
export const celu = pointwise(
  (m, x, y, node) => m.where(m.greater(x, 0), 1, m.add(m.div(y, floatOf(node, 'alpha', 1)), 1)),
  KEEPS_ZERO,
  { activation: restsAt(0) },
);

/** y = α x + β within 0 .. 1: dy/dx = α, or 0 at the ends */
export const hardSigmoid = pointwise(
  (m, _, y, node) => {
    const inside = m.both(m.greater(y, 0), m.less(y, 1));
    return m.where(inside, floatOf(node, 'alpha', 0.2), 0);
  },
  MOVES_ZERO,
  { activation: gate('often', -3) },
);

/** y = x (x + 3) / 6 for |x| < 3, else x or 0: dy/dx = x/3 + 1/2, else 1 or 0 */
export const hardSwish = pointwise(
  (m, x) => m.where(m.less(m.abs(x), 3), m.add(m.div(x, 3), 0.5), m.where(m.greater(x, 0), 1, 0)),
  KEEPS_ZERO,
  { activation: restsAt(-3) },
);

/** y = x ∓ bias beyond ±λ, else 0: dy/dx = 1 or 0 */
export const shrink = pointwise(
  (m, x, _, node) => m.where(m.greater(m.abs(x), floatOf(node, 'lambd', 0.5)), 1, 0),
  BLOCKED,
  NO_TRAITS,
);

/** Zero stays zero where the bounds hold it between them. */
const clipChannels: ChannelRule = {
  about: 'each by itself; zero stays zero where it lies within the bounds',
  byElement: true,
  passage: (node, index, channels, _dims, known) =>
    index === 0 ? pass(channels, holdsZero(node, known)) : opaque('the units are a bound here'),
  silence: (node, channels, _dims, known) =>
    holdsZero(node, known) ? silencedBy(0, channels) : opaque(`${node.op} of zero may not be zero`),
  removal: KEEPS_ZERO.removal,
  bounds: 'unknown',
};

function holdsZero(node: Node, known: KnownOf | undefined): boolean {
  const min = isGiven(node, 1) ? knownInput(node, 1, known)?.[0] : -Infinity;
  const max = isGiven(node, 2) ? knownInput(node, 2, known)?.[0] : Infinity;
  return min !== undefined && max !== undefined && min <= 0 && 0 <= max;
}

/**
 * y = min(max(x, low), high): dy goes to whichever of them y is, and at the bounds not to x, as in
 * PyTorch's ReLU6. This depends on y alone, so that x need not be kept.
 */
export const clip: Operator = {
  gradient: (t) => {
    const m = maths(t);
    const [x, low, high] = t.x as [string, string?, string?];
    const dy = t.dy[0] as string;
    const dims = t.dims(x);
    const below = low ? m.less(x, low) : undefined;
    const above = high ? m.greater(x, high) : undefined;
    const all = (value: string) => sumTo(t, value, dims, []);
    const y = t.y[0] as string;
    const within = [...(low ? [m.greater(y, low)] : []), ...(high ? [m.less(y, high)] : [])];
    const [first, second] = within;
    const inside = first && second ? m.both(first, second) : first;
    return [
      // As a product: two Wheres take three times as long in ONNX Runtime.
      inside ? m.mul(dy, t.op('CastLike', [inside, dy])) : dy,
      below !== undefined && t.wants(1) ? all(m.where(below, dy, 0)) : undefined,
      above !== undefined && t.wants(2) ? all(m.where(above, dy, 0)) : undefined,
    ];
  },
  channels: clipChannels,
  inputs: DATA,
  traits: {
    activation: {
      gate: 'sometimes',
      rest: (node, known) => (isGiven(node, 1) ? knownInput(node, 1, known)?.[0] : undefined),
    },
    image: 'kept',
  },
};
