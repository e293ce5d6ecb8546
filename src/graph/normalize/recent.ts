import { intOf, intsOf } from '../attributes.ts';
import { type Rule, without } from './rule.ts';

const EXPORT_OLDER = 'export the model with an older opset';

function unknownBefore(op: string, since: number): Rule {
  return {
    op,
    since,
    summary: 'refused',
    rewrite: (_, c) =>
      c.refuse(`is newer than the working opset; ${EXPORT_OLDER}`, 'graph/too-new'),
  };
}

/** An attribute that only speaks of 8-bit floats, which working graphs do not have. */
function ofFloat8(op: string, since: number, key: string): Rule {
  return {
    op,
    since,
    summary: `${key}, which is about 8-bit floats only, is dropped`,
    rewrite(node, c) {
      if (key in node.attributes) c.keep({ attributes: without(node.attributes, key) });
    },
  };
}

/** An attribute that says nothing when zero. */
function zeroOrRefused(op: string, since: number, key: string): Rule {
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

/** An element type that follows from the inputs, all floats being of one precision here. */
function impliedType(op: string, since: number, key: string): Rule {
  return {
    op,
    since,
    summary: `${key} is dropped: it is the float type of the graph`,
    rewrite(node, c) {
      if (key in node.attributes) c.keep({ attributes: without(node.attributes, key) });
    },
  };
}

/** What is newer than some canonical opset and is not said in other operators. */
export const recent: readonly Rule[] = [
  unknownBefore('DeformConv', 19),
  unknownBefore('AffineGrid', 20),
  unknownBefore('ImageDecoder', 20),
  unknownBefore('RegexFullMatch', 20),
  unknownBefore('StringConcat', 20),
  unknownBefore('StringSplit', 20),
  unknownBefore('RotaryEmbedding', 23),
  unknownBefore('TensorScatter', 24),
  unknownBefore('BitCast', 26),
  unknownBefore('CumProd', 26),
  ofFloat8('Cast', 19, 'saturate'),
  ofFloat8('CastLike', 19, 'saturate'),
  ofFloat8('QuantizeLinear', 19, 'saturate'),
  ofFloat8('Cast', 24, 'round_mode'),
  ofFloat8('CastLike', 24, 'round_mode'),
  zeroOrRefused('QuantizeLinear', 21, 'block_size'),
  zeroOrRefused('DequantizeLinear', 21, 'block_size'),
  impliedType('QuantizeLinear', 23, 'precision'),
  impliedType('DequantizeLinear', 23, 'output_dtype'),
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
