import { KEEPS_ZERO, MOVES_ZERO } from './by-element.ts';
import { BLOCKED } from './channel-rule.ts';
import { NO_TRAITS, type Operator, plain } from './operator.ts';
import { zero } from './tape.ts';
import { pointwise } from './maths.ts';

/** y = |x|: dy/dx = sign x */
export const abs = pointwise((m, x) => m.sign(x), KEEPS_ZERO, NO_TRAITS);

/** y = √x: dy/dx = 1 / 2y */
export const sqrt = pointwise((m, _, y) => m.div(0.5, y), KEEPS_ZERO, NO_TRAITS);

/** y = 1/x: dy/dx = -y² */
export const reciprocal = pointwise((m, _, y) => m.neg(m.square(y)), BLOCKED, NO_TRAITS);

/** y = eˣ: dy/dx = y */
export const exp = pointwise((_m, _x, y) => y, MOVES_ZERO, NO_TRAITS);

/** y = ln x: dy/dx = 1/x */
export const log = pointwise((m, x) => m.reciprocal(x), BLOCKED, NO_TRAITS);

/** y = sin x: dy/dx = cos x */
export const sin = pointwise((m, x) => m.cos(x), KEEPS_ZERO, NO_TRAITS);

/** y = cos x: dy/dx = -sin x */
export const cos = pointwise((m, x) => m.neg(m.sin(x)), MOVES_ZERO, NO_TRAITS);

/** y = tan x: dy/dx = 1 + y² */
export const tan = pointwise((m, _, y) => m.add(1, m.square(y)), KEEPS_ZERO, NO_TRAITS);

/** y = arcsin x: dy/dx = 1 / √(1 - x²) */
export const asin = pointwise(
  (m, x) => m.reciprocal(m.sqrt(m.sub(1, m.square(x)))),
  KEEPS_ZERO,
  NO_TRAITS,
);

/** y = arccos x: dy/dx = -1 / √(1 - x²) */
export const acos = pointwise(
  (m, x) => m.div(-1, m.sqrt(m.sub(1, m.square(x)))),
  BLOCKED,
  NO_TRAITS,
);

/** y = arctan x: dy/dx = 1 / (1 + x²) */
export const atan = pointwise((m, x) => m.reciprocal(m.add(1, m.square(x))), KEEPS_ZERO, NO_TRAITS);

/** y = sinh x: dy/dx = cosh x = (eˣ + e⁻ˣ) / 2 */
export const sinh = pointwise(
  (m, x) => m.mul(0.5, m.add(m.exp(x), m.exp(m.neg(x)))),
  KEEPS_ZERO,
  NO_TRAITS,
);

/** y = cosh x: dy/dx = sinh x = (eˣ - e⁻ˣ) / 2 */
export const cosh = pointwise(
  (m, x) => m.mul(0.5, m.sub(m.exp(x), m.exp(m.neg(x)))),
  MOVES_ZERO,
  NO_TRAITS,
);

/** y = arsinh x: dy/dx = 1 / √(x² + 1) */
export const asinh = pointwise(
  (m, x) => m.reciprocal(m.sqrt(m.add(m.square(x), 1))),
  KEEPS_ZERO,
  NO_TRAITS,
);

/** y = arcosh x: dy/dx = 1 / √(x² - 1) */
export const acosh = pointwise(
  (m, x) => m.reciprocal(m.sqrt(m.sub(m.square(x), 1))),
  BLOCKED,
  NO_TRAITS,
);

/** y = artanh x: dy/dx = 1 / (1 - x²) */
export const atanh = pointwise(
  (m, x) => m.reciprocal(m.sub(1, m.square(x))),
  KEEPS_ZERO,
  NO_TRAITS,
);

/** Ceil, Floor, Round, Sign: flat everywhere but where they jump. */
export const step: Operator = {
  ...plain(zero('flat between its steps')),
  channels: KEEPS_ZERO,
  traits: { decision: 'compares' },
};
