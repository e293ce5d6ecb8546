import type { Operator } from './rule.ts';

/** y = a + b */
export const addition: Operator = {
  broadcasts: true,
  gradient: (t) => [t.dy[0], t.dy[0]],
};

/** y = a - b */
export const subtraction: Operator = {
  broadcasts: true,
  gradient: (t) => [t.dy[0], t.wants(1) ? t.op('Neg', [t.dy[0] as string]) : undefined],
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
};

/** y = -x */
export const negation: Operator = {
  gradient: (t) => [t.op('Neg', [t.dy[0] as string])],
};

/** y = x₁ + x₂ + ... */
export const sum: Operator = {
  broadcasts: true,
  gradient: (t) => t.x.map(() => t.dy[0]),
};

export const identity: Operator = {
  gradient: (t) => [t.dy[0]],
};
