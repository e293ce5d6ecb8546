import { expect, test } from 'vitest';
import { sizeOf, type TensorOf } from '../../onnx/tensor.ts';
import { conv, finish, linear, network, type Initialization } from './layers.ts';

function weightsOf(start: Initialization): Map<string, TensorOf<'float32'>> {
  const net = network(1, start);
  const x = net.b.input('x', 'float32', ['N', 4, 8, 8]);
  const y = conv(net, x, 'conv', { from: 4, to: 64, kernel: 5, group: 2 });
  const { graph } = finish(net, linear(net, y, 'fc', 1024, 64), 64, { name: 'two-layers' });
  return new Map(graph.initializers as Map<string, TensorOf<'float32'>>);
}

const meanOf = (values: ArrayLike<number>) =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;

test.each(['conv', 'fc'])(
  'He weights of %s have variance 2 / fan in, and mean 0 over every unit',
  (layer) => {
    const { dims, data } = weightsOf('he').get(`${layer}.weight`) as TensorOf<'float32'>;
    const fanIn = sizeOf(dims.slice(1));
    expect(fanIn).toBe(layer === 'conv' ? 50 : 1024);
    for (let unit = 0; unit < 64; unit += 1) {
      expect(meanOf(data.subarray(unit * fanIn, (unit + 1) * fanIn))).toBeCloseTo(0, 6);
    }
    const variance = meanOf(data.map((value) => value * value));
    expect(Math.abs(variance * fanIn - 2)).toBeLessThan(0.2);
    expect(Math.max(...(weightsOf('he').get(`${layer}.bias`)?.data ?? [1]))).toBe(0);
  },
);

test('weights and biases with PyTorch’s initialization are at most 1 / √(fan in)', () => {
  for (const [name, { data }] of weightsOf('torch')) {
    const bound = 1 / Math.sqrt(name.startsWith('conv') ? 50 : 1024);
    expect(Math.max(...data)).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(Math.min(...data)).toBeLessThan(-0.9 * bound);
  }
});
