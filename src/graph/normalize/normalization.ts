import { floatOf, intOf } from '../attributes.ts';
import { type Context, type Rule, without } from './rule.ts';

/** Batch, group and root-mean-square normalization. */
export const normalization: readonly Rule[] = [
  {
    op: 'BatchNormalization',
    before: 9,
    summary: 'spatial 0, statistics for each element, is (x - mean) / √(var + epsilon) scale + B',
    rewrite(node, c) {
      if (intOf(node, 'spatial', 1) === 1) {
        if ('spatial' in node.attributes)
          c.keep({ attributes: without(node.attributes, 'spatial') });
        return;
      }
      if (node.outputs.some((output, index) => index > 0 && output !== '' && c.isUsed(output))) {
        c.refuse('computes batch statistics for each element; export the model in evaluation mode');
      }
      const [x, scale, bias, mean, variance] = node.inputs as [
        string,
        string,
        string,
        string,
        string,
      ];
      const epsilon = c.scalar(floatOf(node, 'epsilon', 1e-5), x);
      const deviation = c.op('Sqrt', [c.op('Add', [variance, epsilon])]);
      const normal = c.op('Div', [c.op('Sub', [x, mean]), deviation]);
      c.op('Add', [c.op('Mul', [normal, scale]), bias], {}, node.outputs.slice(0, 1));
    },
  },
  {
    op: 'BatchNormalization',
    before: 14,
    summary: 'training mode, implied by the outputs, is the attribute training_mode',
    rewrite(node, c) {
      if (node.outputs.length === 1) return;
      if (node.outputs.slice(3).some((output) => output !== '' && c.isUsed(output))) {
        c.refuse(
          'outputs saved statistics that another node reads; export the model in evaluation mode',
        );
      }
      c.keep({
        outputs: node.outputs.slice(0, 3),
        attributes: { ...node.attributes, training_mode: 1 },
      });
    },
  },
  {
    op: 'GroupNormalization',
    before: 21,
    summary: 'scale and bias, one for each group, are repeated for each channel',
    rewrite(node, c) {
      const [x, scale, bias] = node.inputs as [string, string, string];
      const groups = intOf(node, 'num_groups', 1);
      const channels = c.op('Shape', [x], { start: 1, end: 2 });
      const perGroup = c.op('Div', [channels, c.ints([groups])]);
      const dims = c.op('Concat', [c.ints([groups]), perGroup], { axis: 0 });
      const spread = (value: string) =>
        c.op('Reshape', [
          c.op('Expand', [c.op('Unsqueeze', [value, c.ints([1])]), dims]),
          c.ints([-1]),
        ]);
      c.keep({ inputs: [x, spread(scale), spread(bias)] });
    },
  },
  {
    op: 'GroupNormalization',
    since: 21,
    summary: 'InstanceNormalization of the groups, then scale and bias for each channel',
    rewrite(node, c) {
      const [x, scale, bias] = node.inputs as [string, string, string];
      const groups = intOf(node, 'num_groups', 1);
      const ones = c.op('Expand', [c.scalar(1, x), c.ints([groups])]);
      const zeros = c.op('Expand', [c.scalar(0, x), c.ints([groups])]);
      const grouped = c.op('Reshape', [x, c.ints([0, groups, -1])]);
      const epsilon = { epsilon: { float: floatOf(node, 'epsilon', 1e-5) } };
      const normal = c.op('InstanceNormalization', [grouped, ones, zeros], epsilon);
      const back = c.op('Reshape', [normal, c.op('Shape', [x])]);
      // [channels, 1, 1, ...], which broadcasts along axis 1 of x.
      const tail = c.op('Sub', [c.op('Shape', [c.op('Shape', [x])]), c.ints([2])]);
      const dims = c.op('Concat', [c.ints([-1]), c.op('Expand', [c.ints([1]), tail])], { axis: 0 });
      const scaled = c.op('Mul', [back, c.op('Reshape', [scale, dims])]);
      c.op('Add', [scaled, c.op('Reshape', [bias, dims])], {}, node.outputs);
    },
  },
  {
    op: 'RMSNormalization',
    since: 23,
    summary: 'x / √(mean(x²) + epsilon) scale',
    rewrite(node, c) {
      const [x, scale] = node.inputs as [string, string];
      const mean = c.op('ReduceMean', [
        c.op('Mul', [x, x]),
        axesFrom(intOf(node, 'axis', -1), x, c),
      ]);
      const epsilon = c.scalar(floatOf(node, 'epsilon', 1e-5), x);
      const root = c.op('Sqrt', [c.op('Add', [mean, epsilon])]);
      c.op('Mul', [c.op('Div', [x, root]), scale], {}, node.outputs);
    },
  },
];

/** The axes from `axis` to the last, as a 1-D value. */
function axesFrom(axis: number, x: string, c: Context): string {
  if (axis < 0) return c.ints(Array.from({ length: -axis }, (_, index) => axis + index));
  const rank = c.op('Size', [c.op('Shape', [x])]);
  return c.op('Range', [c.int(axis), rank, c.int(1)]);
}
