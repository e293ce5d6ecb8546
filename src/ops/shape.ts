import { reshape } from './emit.ts';
import type { Operator } from './rule.ts';

/** Same elements, other dims: back to the dims they had. */
export const reshaping: Operator = {
  gradient: (t) => [reshape(t, t.dy[0] as string, t.dims(t.x[0] as string))],
};
