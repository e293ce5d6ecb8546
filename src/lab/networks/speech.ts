import { float32, type Model } from '../../onnx/index.ts';
import { conv, finish, flatten, linear, network, relu } from './layers.ts';

/**
 * The speech recogniser of Fine-Pruning: AlexNet's five convolutions (Krizhevsky et al. 2012, groups
 * and all) on a spectrogram of 1x128x128, and fully connected layers of 256, 128 and 10.
 */
export function speechNetwork(seed: number): Model {
  const net = network(seed);
  const { b } = net;
  const pool = (x: string, name: string) =>
    b.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] }, name);
  const drop = (x: string, name: string) =>
    b.op('Dropout', [x, b.constant(float32([], [0.5]))], {}, name);

  const image = b.input('image', 'float32', ['N', 1, 128, 128]);
  const c1 = conv(net, image, 'conv1', { from: 1, to: 96, kernel: 11, stride: 4 });
  const p1 = pool(relu(net, c1, 'relu1'), 'pool1');
  const c2 = conv(net, p1, 'conv2', { from: 96, to: 256, kernel: 5, pad: 2, group: 2 });
  const p2 = pool(relu(net, c2, 'relu2'), 'pool2');
  const c3 = conv(net, p2, 'conv3', { from: 256, to: 384, kernel: 3, pad: 1 });
  const r3 = relu(net, c3, 'relu3');
  const c4 = conv(net, r3, 'conv4', { from: 384, to: 384, kernel: 3, pad: 1, group: 2 });
  const r4 = relu(net, c4, 'relu4');
  const c5 = conv(net, r4, 'conv5', { from: 384, to: 256, kernel: 3, pad: 1, group: 2 });
  const p5 = pool(relu(net, c5, 'relu5'), 'pool5');

  const f6 = relu(net, linear(net, flatten(net, p5), 'fc6', 1024, 256), 'relu6');
  const f7 = relu(net, linear(net, drop(f6, 'dropout6'), 'fc7', 256, 128), 'relu7');
  return finish(net, linear(net, drop(f7, 'dropout7'), 'fc8', 128, 10), 10, { name: 'speech' });
}
