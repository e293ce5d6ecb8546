import type { Model } from '../../src/onnx/index.ts';
import { blocks } from './blocks.ts';

/** ResNet-18 as torchvision's `resnet18(num_classes=10)`, on 3x32x32. */
export function resnet18(): Model {
  const net = blocks();
  const { b } = net;
  const relu = (x: string) => b.op('Relu', [x]);
  const image = b.input('image', 'float32', ['N', 3, 32, 32]);
  const stem = relu(net.conv(image, 'stem', { from: 3, to: 64, kernel: 7, stride: 2 }));
  let x = b.op('MaxPool', [stem], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  let from = 64;
  for (const [stage, to] of [64, 128, 256, 512].entries()) {
    for (const block of [0, 1]) {
      const name = `stage${stage + 1}.${block}`;
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const y = relu(net.conv(x, `${name}.conv1`, { from, to, kernel: 3, stride }));
      const z = net.conv(y, `${name}.conv2`, { from: to, to, kernel: 3 });
      const shortcut =
        stride === 1 && from === to
          ? x
          : net.conv(x, `${name}.shortcut`, { from, to, kernel: 1, stride });
      x = relu(b.op('Add', [z, shortcut]));
      from = to;
    }
  }
  return net.finish(x, 512, 10, 'resnet18');
}
