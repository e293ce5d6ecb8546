import { floatOf, stringOf } from '../attributes.ts';
import { type Rule, without } from './rule.ts';

const FLOAT32_MAX = 3.4028234663852886e38;

/** Elementwise operators, and Dropout. */
export const activations: readonly Rule[] = [
  {
    op: 'Clip',
    before: 11,
    summary: 'the attributes min and max are inputs',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      // The default bounds were the largest floats, which also clip infinities.
      const min = c.scalar(floatOf(node, 'min', -FLOAT32_MAX), x);
      const max = c.scalar(floatOf(node, 'max', FLOAT32_MAX), x);
      c.keep({ inputs: [x, min, max], attributes: {} });
    },
  },
  {
    op: 'Dropout',
    before: 12,
    summary: 'the attribute ratio is an input; an unread mask is dropped',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const [y, mask] = node.outputs as [string, string?];
      // The mask's type, and its values in inference mode, changed twice between opsets.
      if (mask && c.isUsed(mask))
        c.refuse('outputs a mask that another node reads; export the model in evaluation mode');
      const ratio = c.scalar(floatOf(node, 'ratio', 0.5), x);
      c.keep({ inputs: [x, ratio], outputs: [y], attributes: without(node.attributes, 'ratio') });
    },
  },
  {
    op: 'Gelu',
    since: 20,
    summary: 'x/2 (1 + erf(x/√2)), or its tanh approximation',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const half = c.op('Mul', [x, c.scalar(0.5, x)]);
      let inner: string;
      if (stringOf(node, 'approximate', 'none') === 'tanh') {
        const cube = c.op('Mul', [c.op('Mul', [x, x]), x]);
        const sum = c.op('Add', [x, c.op('Mul', [cube, c.scalar(0.044715, x)])]);
        inner = c.op('Tanh', [c.op('Mul', [sum, c.scalar(Math.sqrt(2 / Math.PI), x)])]);
      } else {
        inner = c.op('Erf', [c.op('Mul', [x, c.scalar(Math.SQRT1_2, x)])]);
      }
      c.op('Mul', [half, c.op('Add', [inner, c.scalar(1, x)])], {}, node.outputs);
    },
  },
  {
    op: 'Swish',
    since: 24,
    summary: 'x sigmoid(alpha x)',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const alpha = floatOf(node, 'alpha', 1);
      const scaled = alpha === 1 ? x : c.op('Mul', [x, c.scalar(alpha, x)]);
      c.op('Mul', [x, c.op('Sigmoid', [scaled])], {}, node.outputs);
    },
  },
];
