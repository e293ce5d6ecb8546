import { averageAndClassify, convNorm, finish, network } from '../../src/lab/networks/layers.ts';
import { float32, type Model } from '../../src/onnx/index.ts';

/** MobileNetV2 as torchvision's `mobilenet_v2(num_classes=10, width_mult=0.5)`, on 3x64x64. */
export function mobileNetV2(): Model {
  const net = network(0);
  const { b } = net;
  const [zero, six] = [b.constant(float32([], [0])), b.constant(float32([], [6]))];
  const relu6 = (x: string) => b.op('Clip', [x, zero, six]);
  const image = b.input('image', 'float32', ['N', 3, 64, 64]);
  let from = width(32);
  let x = relu6(convNorm(net, image, 'stem', { from: 3, to: from, kernel: 3, stride: 2 }));
  for (const [stage, [expand, channels, repeats, first]] of STAGES.entries()) {
    const to = width(channels);
    for (let block = 0; block < repeats; block += 1) {
      const name = `stage${stage + 1}.${block}`;
      const stride = block === 0 ? first : 1;
      const wide = from * expand;
      let y = x;
      if (expand > 1) y = relu6(convNorm(net, y, `${name}.expand`, { from, to: wide, kernel: 1 }));
      const depthwise = { from: wide, to: wide, kernel: 3, stride, group: wide };
      y = relu6(convNorm(net, y, `${name}.depthwise`, depthwise));
      y = convNorm(net, y, `${name}.project`, { from: wide, to, kernel: 1 });
      x = stride === 1 && from === to ? b.op('Add', [x, y]) : y;
      from = to;
    }
  }
  x = relu6(convNorm(net, x, 'last', { from, to: 1280, kernel: 1 }));
  const kept = b.op('Dropout', [x, b.constant(float32([], [0.2]))]);
  return finish(net, averageAndClassify(net, kept, 1280, 10), 10, { name: 'mobilenetv2' });
}

/** Expansion, output channels at full width, blocks, and stride of the first block. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Channels at half width, rounded to eights but not down by more than a tenth. */
function width(channels: number): number {
  const half = channels / 2;
  const rounded = Math.max(8, Math.floor((half + 4) / 8) * 8);
  return rounded < 0.9 * half ? rounded + 8 : rounded;
}
