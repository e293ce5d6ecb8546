import {
  averageAndClassify,
  convNorm,
  finish,
  network,
  relu,
} from '../../src/lab/networks/layers.ts';
import type { Model } from '../../src/onnx/index.ts';

/** ResNet-18 as torchvision's `resnet18(num_classes=10)`, on 3x32x32. */
export function resnet18(): Model {
  const net = network(0);
  const { b } = net;
  const image = b.input('image', 'float32', ['N', 3, 32, 32]);
  const stem = convNorm(net, image, 'stem', { from: 3, to: 64, kernel: 7, stride: 2 });
  let x = b.op(
    'MaxPool',
    [relu(net, stem, 'stem.relu')],
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    'stem.pool',
  );
  let from = 64;
  for (const [stage, to] of [64, 128, 256, 512].entries()) {
    for (const block of [0, 1]) {
      const name = `stage${stage + 1}.${block}`;
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const y = convNorm(net, x, `${name}.conv1`, { from, to, kernel: 3, stride });
      const inner = relu(net, y, `${name}.relu1`);
      const z = convNorm(net, inner, `${name}.conv2`, { from: to, to, kernel: 3 });
      const shortcut =
        stride === 1 && from === to
          ? x
          : convNorm(net, x, `${name}.shortcut`, { from, to, kernel: 1, stride });
      x = relu(net, b.op('Add', [z, shortcut], {}, `${name}.sum`), `${name}.relu2`);
      from = to;
    }
  }
  return finish(net, averageAndClassify(net, x, 512, 10), 10, { name: 'resnet18' });
}
