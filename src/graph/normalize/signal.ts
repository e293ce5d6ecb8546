import { intOf } from '../attributes.ts';
import { type Rule, without } from './rule.ts';

export const signal: readonly Rule[] = [
  {
    op: 'DFT',
    before: 20,
    summary: 'the attribute axis is an input',
    rewrite(node, c) {
      const [x, length = ''] = node.inputs as [string, string?];
      c.keep({
        inputs: [x, length, c.int(intOf(node, 'axis', 1))],
        attributes: without(node.attributes, 'axis'),
      });
    },
  },
  {
    op: 'DFT',
    since: 20,
    summary: 'the input axis is an attribute',
    rewrite(node, c) {
      const [x, length = '', axis = ''] = node.inputs as [string, string?, string?];
      const known = axis === '' ? -2 : Number(c.known(axis)?.data[0]);
      if (Number.isNaN(known)) c.refuse('computes its axis; export the model with a constant axis');
      c.keep({
        inputs: length === '' ? [x] : [x, length],
        attributes: { ...node.attributes, axis: known },
      });
    },
  },
];
