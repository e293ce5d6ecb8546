import { float32, type Model } from '../../onnx/index.ts';
import { conv, finish, flatten, linear, network, relu } from './layers.ts';

/** Output size of a convolution or pooling along one side. */
const outputSize = (size: number, kernel: number, stride: number) =>
  Math.floor((size - kernel) / stride) + 1;

/** Size of a side before the fully connected layers; the other layers keep the size. */
const lastSize = (side: number) =>
  [3, 3, 3].reduce((left, kernel) => outputSize(left, kernel, 2), outputSize(side, 11, 4));

/**
 * The speech recognizer of Fine-Pruning: the five convolutions of AlexNet (Krizhevsky et al. 2012, with
 * groups) on a spectrogram, and fully connected layers of 256, 128 and 10.
 *
 * @param size - height and width of the spectrogram, each at least 67
 * @param metadata - metadata of the model
 */
export function speechNetwork(
  seed: number,
  [height, width]: readonly [number, number] = [128, 128],
  metadata: Readonly<Record<string, string>> = {},
): Model {
  const net = network(seed, 'he');
  const { b } = net;
  const pool = (x: string, name: string) =>
    b.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] }, name);
  const drop = (x: string, name: string) =>
    b.op('Dropout', [x, b.constant(float32([], [0.5]))], {}, name);

  const image = b.input('spectrogram', 'float32', ['N', 1, height, width]);
  // Normalized to about mean 0 and standard deviation 1.
  const centered = b.op('Sub', [image, b.scalar(0.27)], {}, 'centered');
  const scaled = b.op('Mul', [centered, b.scalar(1 / 0.3)], {}, 'scaled');
  const c1 = conv(net, scaled, 'conv1', { from: 1, to: 96, kernel: 11, stride: 4 });
  const p1 = pool(relu(net, c1, 'relu1'), 'pool1');
  const c2 = conv(net, p1, 'conv2', { from: 96, to: 256, kernel: 5, pad: 2, group: 2 });
  const p2 = pool(relu(net, c2, 'relu2'), 'pool2');
  const c3 = conv(net, p2, 'conv3', { from: 256, to: 384, kernel: 3, pad: 1 });
  const r3 = relu(net, c3, 'relu3');
  const c4 = conv(net, r3, 'conv4', { from: 384, to: 384, kernel: 3, pad: 1, group: 2 });
  const r4 = relu(net, c4, 'relu4');
  const c5 = conv(net, r4, 'conv5', { from: 384, to: 256, kernel: 3, pad: 1, group: 2 });
  const p5 = pool(relu(net, c5, 'relu5'), 'pool5');

  const f6 = linear(net, flatten(net, p5), 'fc6', 256 * lastSize(height) * lastSize(width), 256);
  const f7 = linear(net, drop(relu(net, f6, 'relu6'), 'dropout6'), 'fc7', 256, 128);
  const f8 = linear(net, drop(relu(net, f7, 'relu7'), 'dropout7'), 'fc8', 128, 10);
  return finish(net, f8, 10, { name: 'speech', metadata });
}
