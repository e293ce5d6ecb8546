import { axisOf, intOf } from '../graph/index.ts';
import { BLOCKED } from './channel-rule.ts';
import { DATA, type Operator } from './operator.ts';

/** dx = y (dy - Σ dy y) */
export const softmax: Operator = {
  gradient: (t) => {
    const y = t.y[0] as string;
    const dy = t.dy[0] as string;
    const axis = axisOf(intOf(t.node, 'axis', -1), t.dims(y).length);
    const mean = t.op('ReduceSum', [t.op('Mul', [dy, y]), t.ints([axis])], { keepdims: 1 });
    return [t.op('Mul', [y, t.op('Sub', [dy, mean])])];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { scores: 'probabilities' },
};

/** dx = dy - exp(y) Σ dy */
export const logSoftmax: Operator = {
  gradient: (t) => {
    const y = t.y[0] as string;
    const dy = t.dy[0] as string;
    const axis = axisOf(intOf(t.node, 'axis', -1), t.dims(y).length);
    const total = t.op('ReduceSum', [dy, t.ints([axis])], { keepdims: 1 });
    return [t.op('Sub', [dy, t.op('Mul', [t.op('Exp', [y]), total])])];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { scores: 'logits' },
};
