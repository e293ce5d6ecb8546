import type { Model } from '../../onnx/index.ts';
import { averageAndClassify, convNorm, finish, network, relu } from './layers.ts';

/** Channels of the three stages. */
const WIDTHS = [24, 48, 96] as const;

/**
 * A residual network (He et al. 2016) for 1x28x28: a stem and three stages of one basic block each,
 * of 24, 48 and 96 channels. Its last site is a sum: a unit is the sum of the block and its shortcut.
 */
export function resNet(seed: number, classes = 10): Model {
  const net = network(seed);
  const image = net.b.input('image', 'float32', ['N', 1, 28, 28]);
  const stem = convNorm(net, image, 'stem', { from: 1, to: WIDTHS[0], kernel: 3, stride: 2 });
  let x = relu(net, stem, 'relu0');
  let from: number = WIDTHS[0];
  for (const [index, to] of WIDTHS.entries()) {
    const name = `block${index + 1}`;
    const stride = index === 0 ? 1 : 2;
    const y = convNorm(net, x, `${name}.conv1`, { from, to, kernel: 3, stride });
    const inner = relu(net, y, `${name}.relu1`);
    const z = convNorm(net, inner, `${name}.conv2`, { from: to, to, kernel: 3 });
    const shortcut =
      from === to ? x : convNorm(net, x, `${name}.shortcut`, { from, to, kernel: 1, stride });
    x = relu(net, net.b.op('Add', [z, shortcut], {}, `${name}.sum`), `${name}.relu2`);
    from = to;
  }
  return finish(net, averageAndClassify(net, x, from, classes), classes, { name: 'resnet' });
}
