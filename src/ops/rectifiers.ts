import { floatOf } from '../graph/index.ts';
import { sumTo } from './emit.ts';
import { maths, pointwise } from './maths.ts';
import type { Operator } from './rule.ts';

/** y = x where x > 0, else α x: dy/dx = 1 or α */
export const leakyRelu = pointwise((m, x, _, node) =>
  m.where(m.greater(x, 0), 1, floatOf(node, 'alpha', 0.01)),
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
};

/** y = x where x > α, else 0: dy/dx = 1 or 0 */
export const thresholdedRelu = pointwise((m, x, _, node) =>
  m.where(m.greater(x, floatOf(node, 'alpha', 1)), 1, 0),
);

/** y = x where x > 0, else α (eˣ - 1): dy/dx = 1 or y + α */
export const elu = pointwise((m, x, y, node) =>
  m.where(m.greater(x, 0), 1, m.add(y, floatOf(node, 'alpha', 1))),
);

/** y = γ x where x > 0, else γ α (eˣ - 1): dy/dx = γ or y + γ α */
export const selu = pointwise((m, x, y, node) => {
  const alpha = floatOf(node, 'alpha', 1.67326319217681884765625);
  const gamma = floatOf(node, 'gamma', 1.05070102214813232421875);
  return m.where(m.greater(x, 0), gamma, m.add(y, gamma * alpha));
});

/** y = x where x > 0, else α (e^(x/α) - 1): dy/dx = 1 or y/α + 1 */
export const celu = pointwise((m, x, y, node) =>
  m.where(m.greater(x, 0), 1, m.add(m.div(y, floatOf(node, 'alpha', 1)), 1)),
);

/** y = α x + β within 0 .. 1: dy/dx = α, or 0 at the ends */
export const hardSigmoid = pointwise((m, _, y, node) => {
  const inside = m.both(m.greater(y, 0), m.less(y, 1));
  return m.where(inside, floatOf(node, 'alpha', 0.2), 0);
});

/** y = x (x + 3) / 6 for |x| < 3, else x or 0: dy/dx = x/3 + 1/2, else 1 or 0 */
export const hardSwish = pointwise((m, x) =>
  m.where(m.less(m.abs(x), 3), m.add(m.div(x, 3), 0.5), m.where(m.greater(x, 0), 1, 0)),
);

/** y = x ∓ bias beyond ±λ, else 0: dy/dx = 1 or 0 */
export const shrink = pointwise((m, x, _, node) =>
  m.where(m.greater(m.abs(x), floatOf(node, 'lambd', 0.5)), 1, 0),
);

/**
 * y = min(max(x, low), high): dy goes to whichever of them y is, and at the bounds not to x, as in
 * PyTorch's ReLU6. That y alone tells, so that x need not be kept.
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
};
