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

describe('Attention, written out', () => {
  it('of heads apart', () => attend(four));
  it('of heads together', () => attend(three, heads));
  it('scaled as said', () => attend(four, { scale: float(0.3) }));
  it('capped', () => attend(four, { softcap: float(0.5) }));
  it('of what came before', () => attend({ ...four, q: sample(2, 3, 6, 4) }, { is_causal: 1 }));
  it('with a mask to add', () => attend({ ...four, mask: sample(5, 6) }));
  it('opset 24', () => attend(three, heads, 24));

  it('with a window that is not one, as without: ONNX Runtime 1.30 takes none', () => {
    expect(graphOf(25, { left_window_size: -1 })).toEqual(graphOf(23, {}));
  });

  it('with keys that heads share', () =>
    attend(
      { q: sample(2, 5, 16), k: sample(2, 6, 8), v: sample(2, 6, 8) },
      { q_num_heads: 4, kv_num_heads: 2 },
    ));
  it('with keys that all heads share', () =>
    attend({ ...four, k: sample(2, 1, 6, 4), v: sample(2, 1, 6, 2) }));

  it('with a mask of what is seen', () =>
    attend({
      ...four,
      mask: {
        type: 'bool',
        dims: [5, 6],
        data: Uint8Array.from({ length: 30 }, (_, i) => +(i % 7 > 1)),
      },
    }));
  it('with a computed mask of what is seen', () =>
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
