import { axisOf, intOf } from '../graph/index.ts';
import { sizeOf } from '../onnx/index.ts';
import { reshape } from './emit.ts';
import type { Operator, Tape } from './rule.ts';

/** y = Σ x: dx = dy, at every element summed. */
export const reduceSum: Operator = {
  gradient: (t) => [spread(t, t.dy[0] as string)],
};

/** y = Σ x / n: dx = dy / n */
export const reduceMean: Operator = {
  gradient: (t) => {
    const count = sizeOf(t.dims(t.x[0] as string)) / sizeOf(t.dims(t.y[0] as string));
    return [spread(t, t.op('Div', [t.dy[0] as string, t.scalar(count)]))];
  },
};

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
