import { intOf, intsOf } from '../attributes.ts';
import { type Rule, without } from './rule.ts';

const EXPORT_OLDER = 'export the model with an older opset';

function refuseNewOperator(op: string, since: number): Rule {
  return {
    op,
    since,
    summary: 'refused',
    rewrite: (_, c) =>
      c.refuse(`is newer than the working opset; ${EXPORT_OLDER}`, 'graph/too-new'),
  };
}

/** Drops an attribute that concerns only 8-bit floats, which working graphs do not have. */
function dropFloat8Attribute(op: string, since: number, key: string): Rule {
  return {
    op,
    since,
    summary: `${key}, which is about 8-bit floats only, is dropped`,
    rewrite(node, c) {
      if (key in node.attributes) c.keep({ attributes: without(node.attributes, key) });
    },
  };
}

/** Drops an attribute that has no effect when zero, and refuses other values. */
function refuseUnlessZero(op: string, since: number, key: string): Rule {
  return {
    op,
    since,
    summary: `refused with ${key}`,
    rewrite(node, c) {
      if (!(key in node.attributes)) return;
      if (intOf(node, key, 0) !== 0) c.refuse(`has the attribute ${key}; ${EXPORT_OLDER}`);
      c.keep({ attributes: without(node.attributes, key) });
    },
  };
}

/** Drops an element type that follows from the inputs, since working graphs have one float type. */
function dropImpliedType(op: string, since: number, key: string): Rule {
  return {
    op,
    since,
    summary: `${key} is dropped: it is the float type of the graph`,
    rewrite(node, c) {
      if (key in node.attributes) c.keep({ attributes: without(node.attributes, key) });
    },
  };
}

/** Operators and attributes that are newer than some canonical opset and have no older equivalent. */
export const recent: readonly Rule[] = [
  refuseNewOperator('DeformConv', 19),
  refuseNewOperator('AffineGrid', 20),
  refuseNewOperator('ImageDecoder', 20),
  refuseNewOperator('RegexFullMatch', 20),
  refuseNewOperator('StringConcat', 20),
  refuseNewOperator('StringSplit', 20),
  refuseNewOperator('RotaryEmbedding', 23),
  refuseNewOperator('TensorScatter', 24),
  refuseNewOperator('BitCast', 26),
  refuseNewOperator('CumProd', 26),
  dropFloat8Attribute('Cast', 19, 'saturate'),
  dropFloat8Attribute('CastLike', 19, 'saturate'),
  dropFloat8Attribute('QuantizeLinear', 19, 'saturate'),
  dropFloat8Attribute('Cast', 24, 'round_mode'),
  dropFloat8Attribute('CastLike', 24, 'round_mode'),
  refuseUnlessZero('QuantizeLinear', 21, 'block_size'),
  refuseUnlessZero('DequantizeLinear', 21, 'block_size'),
  dropImpliedType('QuantizeLinear', 23, 'precision'),
  dropImpliedType('DequantizeLinear', 23, 'output_dtype'),
  {
    op: 'AveragePool',
    since: 19,
    summary: 'refused with dilations',
    rewrite(node, c) {
      if (!('dilations' in node.attributes)) return;
      if (intsOf(node, 'dilations', []).some((step) => step !== 1)) {
        c.refuse(`is dilated; ${EXPORT_OLDER}`);
      }
      c.keep({ attributes: without(node.attributes, 'dilations') });
    },
  },
];
