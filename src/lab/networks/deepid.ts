import { float32, type Model } from '../../onnx/index.ts';
import { conv, finish, flatten, linear, network, relu } from './layers.ts';

/**
 * DeepID (Sun et al. 2014) as the face recognizer of Fine-Pruning: convolutions of 20, 40, 60 and 80
 * channels on faces of 3x55x47, 2x2 max-pooling after the first three, and a feature of 160 that reads
 * both the third and the fourth. ReLU commutes with max-pooling and comes after it, which is faster; both
 * paths read `relu3`.
 */
export function deepIdNetwork(
  seed: number,
  classes: number,
  metadata: Readonly<Record<string, string>> = {},
): Model {
  const net = network(seed);
  const { b } = net;
  let x = b.input('image', 'float32', ['N', 3, 55, 47]);
  for (const [index, [from, to, kernel]] of (
    [
      [3, 20, 4],
      [20, 40, 3],
      [40, 60, 3],
    ] as const
  ).entries()) {
    const layer = String(index + 1);
    const c = conv(net, x, `conv${layer}`, { from, to, kernel });
    const window = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 };
    x = relu(net, b.op('MaxPool', [c], window, `pool${layer}`), `relu${layer}`);
  }
  const c4 = relu(net, conv(net, x, 'conv4', { from: 60, to: 80, kernel: 2 }), 'relu4');
  const f3 = linear(net, flatten(net, x, 'flatten3'), 'fc3', 1200, 160);
  const f4 = linear(net, flatten(net, c4, 'flatten4'), 'fc4', 960, 160);
  const feature = relu(net, b.op('Add', [f3, f4], {}, 'deepid'), 'relu5');
  const kept = b.op('Dropout', [feature, b.constant(float32([], [0.5]))], {}, 'dropout');
  return finish(net, linear(net, kept, 'fc5', 160, classes), classes, { name: 'deepid', metadata });
}
