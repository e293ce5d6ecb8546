import { describe, expect, it } from 'vitest';
import { float, type Attributes, type Tensor } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { normalize } from '../normalize.ts';
import { attention } from './attention.ts';
import { checks, modelOf, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));

const four = { q: sample(2, 3, 5, 4), k: sample(2, 3, 6, 4), v: sample(2, 3, 6, 2) };
const three = { q: sample(2, 5, 12), k: sample(2, 6, 12), v: sample(2, 6, 6) };
const heads = { q_num_heads: 3, kv_num_heads: 3 };

function attend(feeds: Readonly<Record<string, Tensor>>, attributes: Attributes = {}, opset = 23) {
  return same({ opset, feeds, nodes: [node('Attention', Object.keys(feeds), attributes)] }, 2e-6);
}

function graphOf(opset: number, attributes: Attributes) {
  const nodes = [node('Attention', ['q', 'k', 'v'], attributes)];
  return normalize(modelOf({ opset, feeds: four, nodes })).graph;
}

describe('Attention as standard operators', () => {
  it('with 4-D inputs', () => attend(four));
  it('with 3-D inputs', () => attend(three, heads));
  it('with a scale', () => attend(four, { scale: float(0.3) }));
  it('with a softcap', () => attend(four, { softcap: float(0.5) }));
  it('with a causal mask', () => attend({ ...four, q: sample(2, 3, 6, 4) }, { is_causal: 1 }));
  it('with an additive mask', () => attend({ ...four, mask: sample(5, 6) }));
  it('opset 24', () => attend(three, heads, 24));

  it('with unlimited windows, as without: ONNX Runtime 1.30 has no windows', () => {
    expect(graphOf(25, { left_window_size: -1 })).toEqual(graphOf(23, {}));
  });

  it('with grouped-query attention', () =>
    attend(
      { q: sample(2, 5, 16), k: sample(2, 6, 8), v: sample(2, 6, 8) },
      { q_num_heads: 4, kv_num_heads: 2 },
    ));
  it('with multi-query attention', () =>
    attend({ ...four, k: sample(2, 1, 6, 4), v: sample(2, 1, 6, 2) }));

  it('with a boolean mask', () =>
    attend({
      ...four,
      mask: {
        type: 'bool',
        dims: [5, 6],
        data: Uint8Array.from({ length: 30 }, (_, i) => +(i % 7 > 1)),
      },
    }));
  it('with a computed boolean mask', () =>
    same({
      opset: 23,
      feeds: { ...four, m: sample(5, 6) },
      initializers: { zero: { type: 'float32', dims: [], data: Float32Array.of(0) } },
      nodes: [
        node('Less', ['m', 'zero'], {}, ['less']),
        node('Identity', ['less'], {}, ['mask']),
        node('Attention', ['q', 'k', 'v', 'mask']),
      ],
    }));
});

it('covers every rule of the family', () => {
  expect(unexercised(attention)).toEqual([]);
});
