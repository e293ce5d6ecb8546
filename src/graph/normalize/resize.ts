import type { Node } from '../../onnx/index.ts';
import { stringOf } from '../attributes.ts';
import { type Context, floatsNeeded, type Rule, withoutTrailing, without } from './rule.ts';

/** The nearest modes for half_pixel that equal these modes for tf_half_pixel_for_nn. */
const HALF_PIXEL_NEAREST: Readonly<Record<string, string>> = {
  // floor(h + 0.5) rounds a half up; ceil((h + 0.5) - 0.5) is ceil(h).
  floor: 'round_prefer_ceil',
  round_prefer_floor: 'ceil',
};

export const resize: readonly Rule[] = [
  {
    op: 'Upsample',
    before: 9,
    summary: 'the attribute scales is an input',
    rewrite(node, c) {
      c.keep({
        inputs: [node.inputs[0] as string, c.floats(floatsNeeded(node, 'scales', c))],
        attributes: without(node.attributes, 'scales'),
      });
    },
  },
  {
    op: 'Upsample',
    before: 10,
    summary: 'became Resize',
    rewrite: (_, c) => c.keep({ op: 'Resize' }),
  },
  {
    op: 'Resize',
    before: 11,
    summary:
      'coordinates are asymmetric; the nearest is below when enlarging, above when shrinking',
    rewrite(node, c) {
      const [x, scales] = node.inputs as [string, string];
      const attributes = {
        ...node.attributes,
        coordinate_transformation_mode: 'asymmetric',
      };
      if (stringOf(node, 'mode', 'nearest') !== 'nearest') {
        c.keep({ inputs: [x, '', scales], attributes });
        return;
      }
      const larger = { ...attributes, nearest_mode: 'floor' };
      const smaller = { ...attributes, nearest_mode: 'ceil' };
      const known = c.known(scales);
      const values = known ? Array.from(known.data, Number) : undefined;
      if (values?.every((scale) => scale >= 1)) {
        c.keep({ inputs: [x, '', scales], attributes: larger });
      } else if (values?.every((scale) => scale <= 1)) {
        c.keep({ inputs: [x, '', scales], attributes: smaller });
      } else {
        // Nearest is separable by axis: resize first the axes that grow, then those that shrink.
        const one = c.floats([1]);
        const grown = c.op('Resize', [x, '', c.op('Max', [scales, one])], larger);
        c.op('Resize', [grown, '', c.op('Min', [scales, one])], smaller, node.outputs);
      }
    },
  },
  {
    op: 'Resize',
    before: 13,
    summary:
      'a roi that is not read and scales beside sizes are left out; tf_half_pixel_for_nn is half_pixel',
    rewrite(node, c) {
      const [x, roi = '', scales = '', sizes = ''] = node.inputs as [string, ...string[]];
      const mode = stringOf(node, 'coordinate_transformation_mode', 'half_pixel');
      const inputs = withoutTrailing([
        x,
        mode === 'tf_crop_and_resize' ? roi : '',
        sizes === '' ? scales : '',
        sizes,
      ]);
      const attributes = mode === 'tf_half_pixel_for_nn' ? halfPixel(node, c) : node.attributes;
      c.keep({ inputs, attributes });
    },
  },
  {
    op: 'Resize',
    since: 19,
    summary: 'refused with half_pixel_symmetric',
    rewrite(node, c) {
      if (stringOf(node, 'coordinate_transformation_mode', '') === 'half_pixel_symmetric') {
        c.refuse(
          'has coordinates half_pixel_symmetric; export the model with half_pixel coordinates',
        );
      }
    },
  },
  {
    op: 'GridSample',
    before: 20,
    summary: 'the modes bilinear and bicubic are called linear and cubic',
    rewrite(node, c) {
      const mode = stringOf(node, 'mode', 'bilinear').replace(/^bi/, '');
      c.keep({ attributes: { ...node.attributes, mode } });
    },
  },
  {
    op: 'GridSample',
    since: 20,
    summary: 'the modes linear and cubic are called bilinear and bicubic',
    rewrite(node, c) {
      const mode = stringOf(node, 'mode', 'linear').replace(/^(linear|cubic)$/, 'bi$1');
      c.keep({ attributes: { ...node.attributes, mode } });
    },
  },
];

function halfPixel(node: Node, c: Context) {
  const nearest = HALF_PIXEL_NEAREST[stringOf(node, 'nearest_mode', 'round_prefer_floor')];
  if (nearest === undefined || stringOf(node, 'mode', 'nearest') !== 'nearest') {
    return c.refuse(
      'has coordinates tf_half_pixel_for_nn; export the model with opset 13 or newer',
    );
  }
  return {
    ...node.attributes,
    coordinate_transformation_mode: 'half_pixel',
    nearest_mode: nearest,
  };
}
