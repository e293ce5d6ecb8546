import { floatOf, intOf, intsOf, stringOf } from '../attributes.ts';
import { intsNeeded, type Rule, without } from './rule.ts';

/** Operators that slice, pad, split, gather and scatter. */
export const indexing: readonly Rule[] = [
  {
    op: 'Slice',
    before: 10,
    summary: 'the attributes starts, ends and axes are inputs',
    rewrite(node, c) {
      const starts = c.ints(intsNeeded(node, 'starts', c));
      const ends = c.ints(intsNeeded(node, 'ends', c));
      const axes = intsOf(node, 'axes', undefined);
      c.keep({
        inputs: [node.inputs[0] as string, starts, ends, ...(axes ? [c.ints(axes)] : [])],
        attributes: without(node.attributes, 'starts', 'ends', 'axes'),
      });
    },
  },
  {
    op: 'Pad',
    before: 11,
    summary: 'the attributes pads and value are inputs',
    rewrite(node, c) {
      const [x] = node.inputs as [string];
      const pads = c.ints(intsNeeded(node, 'pads', c));
      const value = floatOf(node, 'value', 0);
      const fills = stringOf(node, 'mode', 'constant') === 'constant' && value !== 0;
      c.keep({
        inputs: [x, pads, ...(fills ? [c.scalar(value, x)] : [])],
        attributes: without(node.attributes, 'pads', 'value'),
      });
    },
  },
  {
    op: 'Pad',
    since: 19,
    summary: 'refused with the mode wrap',
    rewrite(node, c) {
      if (stringOf(node, 'mode', 'constant') === 'wrap')
        c.refuse('pads with the mode "wrap"; export the model with an older opset');
    },
  },
  {
    op: 'Split',
    before: 13,
    summary: 'the attribute split is an input',
    rewrite(node, c) {
      const split = intsOf(node, 'split', undefined);
      if (!split) return;
      c.keep({
        inputs: [node.inputs[0] as string, c.ints(split)],
        attributes: without(node.attributes, 'split'),
      });
    },
  },
  {
    op: 'Split',
    before: 18,
    summary: 'equal parts are said with num_outputs',
    rewrite(node, c) {
      if (node.inputs[1]) return;
      c.keep({ attributes: { ...node.attributes, num_outputs: node.outputs.length } });
    },
  },
  {
    op: 'TopK',
    before: 10,
    summary: 'the attribute k is an input',
    rewrite(node, c) {
      const k = intOf(node, 'k', undefined) ?? c.refuse('has no k', 'graph/malformed');
      c.keep({
        inputs: [node.inputs[0] as string, c.ints([k])],
        attributes: without(node.attributes, 'k'),
      });
    },
  },
  {
    op: 'Scatter',
    before: 11,
    summary: 'became ScatterElements',
    rewrite: (_, c) => c.keep({ op: 'ScatterElements' }),
  },
  {
    op: 'RoiAlign',
    before: 16,
    summary: 'coordinate_transformation_mode output_half_pixel is said',
    rewrite: (node, c) =>
      c.keep({
        attributes: { ...node.attributes, coordinate_transformation_mode: 'output_half_pixel' },
      }),
  },
  {
    op: 'Scan',
    before: 9,
    summary: 'refused: it had a batch axis and sequence lengths',
    rewrite: (_, c) =>
      c.refuse('has the batch axis of opset 8; export the model with opset 9 or newer'),
  },
];
