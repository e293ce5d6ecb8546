import type { Node } from '../onnx/index.ts';
import type { ChannelRule } from './channel-rule.ts';
import { DATA, type Operator, type Traits } from './operator.ts';
import type { Tape } from './tape.ts';

/** A value by its name, or a number. */
export type Operand = string | number;

/** The operators that formulas are made of, so that a rule reads like its formula. */
export function maths(t: Pick<Tape, 'op' | 'scalar'>) {
  const named = (operand: Operand) => (typeof operand === 'number' ? t.scalar(operand) : operand);
  const unary = (op: string) => (a: Operand) => t.op(op, [named(a)]);
  const binary = (op: string) => (a: Operand, b: Operand) => t.op(op, [named(a), named(b)]);
  const mul = binary('Mul');
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul,
    div: binary('Div'),
    pow: binary('Pow'),
    neg: unary('Neg'),
    square: (a: Operand) => mul(a, a),
    sqrt: unary('Sqrt'),
    reciprocal: unary('Reciprocal'),
    abs: unary('Abs'),
    sign: unary('Sign'),
    exp: unary('Exp'),
    log: unary('Log'),
    sin: unary('Sin'),
    cos: unary('Cos'),
    tanh: unary('Tanh'),
    sigmoid: unary('Sigmoid'),
    softplus: unary('Softplus'),
    erf: unary('Erf'),
    min: binary('Min'),
    max: binary('Max'),
    greater: binary('Greater'),
    less: binary('Less'),
    equal: binary('Equal'),
    both: binary('And'),
    not: unary('Not'),
    where: (condition: string, a: Operand, b: Operand) =>
      t.op('Where', [condition, named(a), named(b)]),
  };
}

export type Maths = ReturnType<typeof maths>;

/** y = f(x) by element, given by its slope dy/dx. */
export function pointwise(
  slope: (m: Maths, x: string, y: string, node: Node) => Operand,
  channels: ChannelRule,
  traits: Traits,
): Operator {
  return {
    gradient: (t) => {
      const m = maths(t);
      return [m.mul(t.dy[0] as string, slope(m, t.x[0] as string, t.y[0] as string, t.node))];
    },
    channels,
    inputs: DATA,
    traits,
  };
}
