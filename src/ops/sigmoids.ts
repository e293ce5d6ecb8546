import { restsAt, gate, SMOOTH_REST } from './activation.ts';
import { KEEPS_ZERO, MOVES_ZERO } from './by-element.ts';
import { type Operator, plain } from './operator.ts';
import { none } from './tape.ts';
import { stringOf } from '../graph/index.ts';
import { type Maths, pointwise } from './maths.ts';

/** y = 1 / (1 + e⁻ˣ): dy/dx = y (1 - y) */
export const sigmoid = pointwise((m, _, y) => m.mul(y, m.sub(1, y)), MOVES_ZERO, {
  activation: gate('often', SMOOTH_REST),
  scores: 'probabilities',
});

/** y = tanh x: dy/dx = 1 - y² */
export const tanh = pointwise((m, _, y) => m.sub(1, m.square(y)), KEEPS_ZERO, {
  activation: gate('sometimes'),
});

/** y = ln(1 + eˣ): dy/dx = σ(x) */
export const softplus = pointwise((m, x) => m.sigmoid(x), MOVES_ZERO, {
  activation: restsAt(SMOOTH_REST),
});

/** y = x / (1 + |x|): dy/dx = 1 / (1 + |x|)² */
export const softsign = pointwise(
  (m, x) => m.reciprocal(m.square(m.add(1, m.abs(x)))),
  KEEPS_ZERO,
  { activation: restsAt() },
);

/** y = x tanh(ln(1 + eˣ)): dy/dx = w + x σ(x) (1 - w²), w = tanh(ln(1 + eˣ)) */
export const mish = pointwise(
  (m, x) => {
    const w = m.tanh(m.softplus(x));
    return m.add(w, m.mul(m.mul(x, m.sigmoid(x)), m.sub(1, m.square(w))));
  },
  KEEPS_ZERO,
  { activation: restsAt(SMOOTH_REST) },
);

/** y = 2/√π ∫₀ˣ e^(-t²) dt: dy/dx = 2/√π e^(-x²) */
export const erf = pointwise(
  (m, x) => m.mul(2 / Math.sqrt(Math.PI), m.exp(m.neg(m.square(x)))),
  KEEPS_ZERO,
  { activation: gate('only', -6) },
);

/** y = x Φ(x), the normal distribution's Φ exact or by a tanh (Hendrycks & Gimpel 2016). */
export const gelu = pointwise(
  (m, x, _, node) =>
    stringOf(node, 'approximate', 'none') === 'tanh'
      ? // Beyond 10 the tanh is 1 to the last bit, and x² x³ would overflow for a bias of 1e20.
        geluByTanh(m, m.min(m.max(x, -10), 10))
      : geluByErf(m, x),
  KEEPS_ZERO,
  { activation: restsAt(-6) },
);

/** dy/dx = Φ(x) + x φ(x), Φ(x) = (1 + erf(x/√2)) / 2, φ(x) = e^(-x²/2) / √2π */
function geluByErf(m: Maths, x: string): string {
  const distribution = m.mul(0.5, m.add(1, m.erf(m.mul(x, Math.SQRT1_2))));
  const density = m.mul(1 / Math.sqrt(2 * Math.PI), m.exp(m.mul(-0.5, m.square(x))));
  return m.add(distribution, m.mul(x, density));
}

/** dy/dx = (1 + w)/2 + x (1 - w²)/2 · √(2/π) (1 + 3c x²), w = tanh(√(2/π) (x + c x³)), c = 0.044715 */
function geluByTanh(m: Maths, x: string): string {
  const c = 0.044715;
  const root = Math.sqrt(2 / Math.PI);
  const square = m.square(x);
  const w = m.tanh(m.mul(root, m.mul(x, m.add(1, m.mul(c, square)))));
  const inner = m.mul(root, m.add(1, m.mul(3 * c, square)));
  const bend = m.mul(m.mul(x, m.sub(1, m.square(w))), inner);
  return m.mul(0.5, m.add(m.add(1, w), bend));
}

/** y = x σ(α x). */
export const swish: Operator = {
  ...plain(none('it is newer than the canonical opset')),
  traits: { activation: restsAt(SMOOTH_REST) },
};
