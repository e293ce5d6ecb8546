import { float32, type Model } from '../../onnx/index.ts';
import { averageAndClassify, convNorm, finish, network, type NetworkBuilder } from './layers.ts';

/** Output channels and stride of each inverted residual block. */
const BLOCKS = [
  [16, 1],
  [24, 2],
  [24, 1],
  [40, 2],
  [40, 1],
] as const;
const EXPANSION = 4;
const LAST = 128;

/**
 * A MobileNetV2 (Sandler et al. 2018) for 1x28x28: inverted residual blocks with depthwise
 * convolutions and ReLU6, and a last convolution of 128 channels, which is its last site.
 */
export function mobileNet(seed: number, classes = 10): Model {
  const net = network(seed);
  const image = net.b.input('image', 'float32', ['N', 1, 28, 28]);
  let from = 16;
  let x = relu6(
    net,
    convNorm(net, image, 'stem', { from: 1, to: from, kernel: 3, stride: 2 }),
    'relu0',
  );
  for (const [index, [to, stride]] of BLOCKS.entries()) {
    const name = `block${index + 1}`;
    const wide = from * EXPANSION;
    const expanded = convNorm(net, x, `${name}.expand`, { from, to: wide, kernel: 1 });
    const y = convNorm(net, relu6(net, expanded, `${name}.relu1`), `${name}.depthwise`, {
      from: wide,
      to: wide,
      kernel: 3,
      stride,
      group: wide,
    });
    const z = convNorm(net, relu6(net, y, `${name}.relu2`), `${name}.project`, {
      from: wide,
      to,
      kernel: 1,
    });
    x = stride === 1 && from === to ? net.b.op('Add', [x, z], {}, `${name}.sum`) : z;
    from = to;
  }
  const last = convNorm(net, x, 'last', { from, to: LAST, kernel: 1 });
  const kept = relu6(net, last, 'last.relu');
  return finish(net, averageAndClassify(net, kept, LAST, classes), classes, { name: 'mobilenet' });
}

function relu6(net: NetworkBuilder, x: string, name: string): string {
  const [zero, six] = [0, 6].map((bound) => net.b.constant(float32([], [bound])));
  return net.b.op('Clip', [x, zero as string, six as string], {}, name);
}
