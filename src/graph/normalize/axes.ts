import { intsOf } from '../attributes.ts';
import { type Rule, without } from './rule.ts';

const REDUCTIONS = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
] as const;

/** The attribute `axes` became the second input. Without the attribute, the input is omitted. */
function axesBecomeInput(op: string, before: number): Rule {
  return {
    op,
    before,
    summary: 'the attribute axes is an input',
    rewrite(node, c) {
      const axes = intsOf(node, 'axes', []);
      if (node.inputs.length > 1) return;
      if (axes.length === 0 && !('axes' in node.attributes)) return;
      c.keep({
        // An empty list meant all axes, as does an omitted input.
        inputs: axes.length === 0 ? node.inputs : [node.inputs[0] as string, c.ints(axes)],
        attributes: without(node.attributes, 'axes'),
      });
    },
  };
}

/** Operators whose `axes` moved from an attribute to an input. */
export const axes: readonly Rule[] = [
  axesBecomeInput('Squeeze', 13),
  axesBecomeInput('Unsqueeze', 13),
  axesBecomeInput('ReduceSum', 13),
  ...REDUCTIONS.map((op) => axesBecomeInput(op, 18)),
];
