import type { Model } from '../../onnx/index.ts';
import {
  averageAndClassify,
  batchNorm,
  conv,
  convNorm,
  finish,
  network,
  pool,
  relu,
} from './layers.ts';

const GROWTH = 12;
const LAYERS = 4;

/**
 * A DenseNet (Huang et al. 2017) for 1x28x28: two blocks of four layers, each of which adds 12
 * channels to its input, and a transition between them. Its last site is a concatenation: the
 * classifier reads a unit after a normalization.
 */
export function denseNet(seed: number, classes = 10): Model {
  const net = network(seed);
  const image = net.b.input('image', 'float32', ['N', 1, 28, 28]);
  let channels = 16;
  let x = relu(
    net,
    convNorm(net, image, 'stem', { from: 1, to: channels, kernel: 3, stride: 2 }),
    'relu0',
  );
  for (const block of [1, 2]) {
    for (let layer = 1; layer <= LAYERS; layer += 1) {
      const name = `block${block}.${layer}`;
      const made = conv(net, activated(net, x, name, channels), `${name}.conv`, {
        from: channels,
        to: GROWTH,
        kernel: 3,
        pad: 1,
      });
      x = net.b.op('Concat', [x, made], { axis: 1 }, `${name}.concat`);
      channels += GROWTH;
    }
    if (block === 1) {
      const half = channels >> 1;
      const before = activated(net, x, 'transition', channels);
      const halved = conv(net, before, 'transition.conv', { from: channels, to: half, kernel: 1 });
      x = pool(net, 'AveragePool', halved, 'transition.pool');
      channels = half;
    }
  }
  const last = activated(net, x, 'last', channels);
  return finish(net, averageAndClassify(net, last, channels, classes), classes, {
    name: 'densenet',
  });
}

function activated(
  net: ReturnType<typeof network>,
  x: string,
  name: string,
  channels: number,
): string {
  return relu(net, batchNorm(net, x, `${name}.norm`, channels), `${name}.relu`);
}
