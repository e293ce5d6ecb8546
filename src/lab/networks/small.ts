import type { Model } from '../../onnx/index.ts';
import { conv, finish, flatten, linear, network, pool, relu } from './layers.ts';

/**
 * The small CNN of the benchmarks: three 3x3 convolutions of 32, 64 and 128 channels on 3x32x32,
 * each with ReLU and 2x2 max-pooling, and two fully connected layers of 256 and 10.
 */
export function smallNetwork(seed: number): Model {
  const net = network(seed);
  let x = net.b.input('image', 'float32', ['N', 3, 32, 32]);
  for (const [index, [from, to]] of [
    [3, 32],
    [32, 64],
    [64, 128],
  ].entries()) {
    const name = String(index + 1);
    const c = conv(net, x, `conv${name}`, {
      from: from as number,
      to: to as number,
      kernel: 3,
      pad: 1,
    });
    x = pool(net, 'MaxPool', relu(net, c, `relu${name}`), `pool${name}`);
  }
  const f1 = relu(net, linear(net, flatten(net, x), 'fc1', 2048, 256), 'relu4');
  return finish(net, linear(net, f1, 'fc2', 256, 10), 10, { name: 'small' });
}
