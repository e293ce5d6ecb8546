import { describe, expect, it } from 'vitest';
import { float, float32 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { normalization } from './normalization.ts';
import { checks, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);

describe('normalization', () => {
  const channels = { s: sample(3), b: sample(3), m: sample(3), v: float32([3], [0.5, 1, 2]) };
  const batchNorm = ['x', 's', 'b', 'm', 'v'];

  for (const opset of [7, 9, 14]) {
    it(`BatchNormalization, opset ${opset}`, () =>
      same({
        opset,
        feeds: { x },
        initializers: channels,
        nodes: [
          node('BatchNormalization', batchNorm, {
            epsilon: float(0.01),
            ...(opset === 7 && { spatial: 1 }),
          }),
        ],
      }));
  }

  for (const opset of [7, 9, 13]) {
    it(`BatchNormalization in training, opset ${opset}`, () =>
      same({
        opset,
        feeds: { x },
        initializers: channels,
        nodes: [
          node('BatchNormalization', batchNorm, { momentum: float(0.8) }, [
            'y',
            'mean',
            'var',
            'saved_mean',
            'saved_var',
          ]),
        ],
        outputs: ['y', 'mean', 'var'],
      }));
  }

  it('BatchNormalization for each element', () =>
    same({
      opset: 8,
      feeds: { x },
      initializers: {
        s: sample(3, 4, 5),
        b: sample(3, 4, 5),
        m: sample(3, 4, 5),
        v: float32(
          [3, 4, 5],
          Array.from({ length: 60 }, (_, index) => 0.5 + index / 10),
        ),
      },
      nodes: [node('BatchNormalization', batchNorm, { spatial: 0 })],
    }));

  it('GroupNormalization, scale for each group', () =>
    same({
      opset: 18,
      feeds: { x: sample(2, 6, 4, 5) },
      initializers: { s: sample(3), b: sample(3) },
      nodes: [node('GroupNormalization', ['x', 's', 'b'], { num_groups: 3, epsilon: float(0.01) })],
      to: { opset: 21 },
    }));

  it('GroupNormalization, scale for each channel, to opset 18', () =>
    same({
      opset: 21,
      feeds: { x: sample(2, 6, 4, 5) },
      initializers: { s: sample(6), b: sample(6) },
      nodes: [node('GroupNormalization', ['x', 's', 'b'], { num_groups: 3, epsilon: float(0.01) })],
      to: { opset: 18 },
    }));

  for (const axis of [-1, -2, 1, 3]) {
    it(`RMSNormalization from axis ${axis}`, () =>
      same({
        opset: 23,
        feeds: { x },
        initializers: { s: sample(...x.dims.slice(axis)) },
        nodes: [node('RMSNormalization', ['x', 's'], { axis, epsilon: float(0.01) })],
      }));
  }
});

it('covers every rule of the family', () => {
  expect(unexercised(normalization)).toEqual([]);
});
