import { describe, expect, it } from 'vitest';
import { int64 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { softmax } from './softmax.ts';
import { checks, type BothWays, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);
const labels = (...values: number[]) => int64([values.length], values);
const ops = ({ normalized }: BothWays) => normalized.graph.nodes.map(({ op }) => op);

describe('Softmax, LogSoftmax and Hardmax before opset 13', () => {
  for (const op of ['Softmax', 'LogSoftmax', 'Hardmax']) {
    for (const axis of [undefined, 0, 1, 2, 3, -1, -2]) {
      const opset = axis !== undefined && axis < 0 ? 11 : 9;
      it(`${op} from axis ${axis ?? 'left out'}`, () =>
        same({
          opset,
          feeds: { x },
          nodes: [node(op, ['x'], axis === undefined ? {} : { axis })],
        }));
    }
  }

  it('stay one node where the axis is known to be the last', async () => {
    const result = await same({
      opset: 9,
      feeds: { x },
      initializers: { w: sample(60, 4), b: sample(4) },
      nodes: [
        node('Flatten', ['x'], {}, ['f']),
        node('Gemm', ['f', 'w', 'b'], {}, ['g']),
        node('Softmax', ['g']),
      ],
    });
    expect(ops(result)).toEqual(['Flatten', 'Gemm', 'Softmax']);
  });

  it('know the rank of attention scores as torch writes them', async () => {
    const result = await same({
      opset: 11,
      feeds: { x: sample(2, 6, 8) },
      initializers: { zero: int64([], [0]), six: labels(6), heads: labels(2), four: labels(4) },
      nodes: [
        node('Shape', ['x'], {}, ['s']),
        node('Gather', ['s', 'zero'], {}, ['n']),
        node('Unsqueeze', ['n'], { axes: [0] }, ['n1']),
        node('Concat', ['n1', 'six', 'heads', 'four'], { axis: 0 }, ['dims']),
        node('Reshape', ['x', 'dims'], {}, ['q']),
        node('Transpose', ['q'], { perm: [0, 2, 1, 3] }, ['qt']),
        node('Transpose', ['q'], { perm: [0, 2, 3, 1] }, ['kt']),
        node('MatMul', ['qt', 'kt'], {}, ['scores']),
        node('Softmax', ['scores'], { axis: 3 }),
      ],
    });
    expect(ops(result).filter((op) => op === 'Flatten')).toEqual([]);
  });
});

it('covers every rule of the family', () => {
  expect(unexercised(softmax)).toEqual([]);
});
