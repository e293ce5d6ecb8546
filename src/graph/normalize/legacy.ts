import { floatOf, intsOf } from '../attributes.ts';
import { type Context, floatsNeeded, type Rule } from './rule.ts';

/** Experimental operators that opset 10 removed; old converters wrote them. */
export const legacy: readonly Rule[] = [
  {
    op: 'ImageScaler',
    before: 10,
    summary: 'scale x + bias of the channel',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const scaled = c.op('Mul', [x, c.scalar(floatOf(node, 'scale', 1), x)]);
      const channels = c.op('Reshape', [
        c.floats(floatsNeeded(node, 'bias', c)),
        c.ints([-1, 1, 1]),
      ]);
      c.op('Add', [scaled, channels], {}, node.outputs);
    },
  },
  {
    op: 'Affine',
    before: 10,
    summary: 'alpha x + beta',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const scaled = times(x, floatOf(node, 'alpha', 1), c);
      c.op('Add', [scaled, c.scalar(floatOf(node, 'beta', 0), x)], {}, node.outputs);
    },
  },
  {
    op: 'ScaledTanh',
    before: 10,
    summary: 'alpha tanh(beta x)',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const y = c.op('Tanh', [times(x, floatOf(node, 'beta', 1), c)]);
      c.op('Mul', [y, c.scalar(floatOf(node, 'alpha', 1), x)], {}, node.outputs);
    },
  },
  {
    op: 'ParametricSoftplus',
    before: 10,
    summary: 'alpha softplus(beta x)',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const y = c.op('Softplus', [times(x, floatOf(node, 'beta', 1), c)]);
      c.op('Mul', [y, c.scalar(floatOf(node, 'alpha', 1), x)], {}, node.outputs);
    },
  },
  {
    op: 'Crop',
    before: 10,
    summary: 'Slice of the two last axes',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const [left = 0, top = 0, right = 0, bottom = 0] = intsOf(node, 'border', []);
      const scale = intsOf(node, 'scale', undefined);
      const [bottomEnd, rightEnd] = scale
        ? [top + (scale[0] as number), left + (scale[1] as number)]
        : [-bottom || Number.MAX_SAFE_INTEGER, -right || Number.MAX_SAFE_INTEGER];
      c.op(
        'Slice',
        [x, c.ints([top, left]), c.ints([bottomEnd, rightEnd]), c.ints([2, 3])],
        {},
        node.outputs,
      );
    },
  },
];

function times(x: string, factor: number, c: Context): string {
  return factor === 1 ? x : c.op('Mul', [x, c.scalar(factor, x)]);
}
