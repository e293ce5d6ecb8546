import { axisOf, intOf } from '../attributes.ts';
import type { Rule } from './rule.ts';

/**
 * Before opset 13 the input was flattened to a matrix at `axis`; since then the operator works along `axis`
 * alone. Both are equal where `axis` is the last.
 */
function flattenBefore13(op: string): Rule {
  return {
    op,
    before: 13,
    summary: 'the axes from axis on, taken together, are flattened first unless axis is the last',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const axis = intOf(node, 'axis', 1);
      const rank = c.rank(x);
      if (axis === -1 || (rank !== undefined && axisOf(axis, rank) === rank - 1)) {
        c.keep({ attributes: { axis: -1 } });
        return;
      }
      const matrix = c.op('Flatten', [x], { axis });
      const y = c.op(op, [matrix], { axis: -1 });
      c.op('Reshape', [y, c.op('Shape', [x])], {}, node.outputs);
    },
  };
}

export const softmax: readonly Rule[] = ['Softmax', 'LogSoftmax', 'Hardmax'].map(flattenBefore13);
