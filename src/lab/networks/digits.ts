import type { Model } from '../../onnx/index.ts';
import { conv, finish, flatten, linear, network, pool, relu } from './layers.ts';

/**
 * The digit classifier of BadNets (Gu et al. 2017, table 1): two 5x5 convolutions of 16 and 32
 * channels, each with ReLU and 2x2 max-pooling (BadNets has average pooling), and two fully connected
 * layers of 512 and 10.
 */
export function digitNetwork(seed: number): Model {
  const net = network(seed);
  const x = net.b.input('image', 'float32', ['N', 1, 28, 28]);
  const c1 = relu(net, conv(net, x, 'conv1', { from: 1, to: 16, kernel: 5 }), 'relu1');
  const p1 = pool(net, 'MaxPool', c1, 'pool1');
  const c2 = relu(net, conv(net, p1, 'conv2', { from: 16, to: 32, kernel: 5 }), 'relu2');
  const p2 = pool(net, 'MaxPool', c2, 'pool2');
  const f1 = relu(net, linear(net, flatten(net, p2), 'fc1', 512, 512), 'relu3');
  return finish(net, linear(net, f1, 'fc2', 512, 10), 10, { name: 'digits' });
}
