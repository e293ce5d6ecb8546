import { KEEPS_ZERO, UNCHANGED } from './by-element.ts';
import { BLOCKED } from './channel-rule.ts';
import {
  differenceBounds,
  productChannels,
  quotientChannels,
  sumBounds,
  sumChannels,
} from './elementwise-channels.ts';
import { add } from './emit.ts';
import { maths } from './maths.ts';
import { DATA, NO_TRAITS, type Operator } from './operator.ts';

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
  traits: { decision: 'selects' },
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
