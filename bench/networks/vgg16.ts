import { Builder, modelOf } from '../../src/graph/index.ts';
import { random } from '../../src/data/index.ts';
import { type Model, sizeOf } from '../../src/onnx/index.ts';

/** Output channels of each convolution, between max-pools. */
const STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

export interface VggSettings {
  /** Units of the two hidden layers; 4,096 make it the published network of 553 MB. */
  readonly hidden?: number | undefined;
  readonly classes?: number | undefined;
}

/** VGG-16 (Simonyan and Zisserman 2014, configuration D), on 3x224x224, with random weights. */
export function vgg16({ hidden = 4096, classes = 10 }: VggSettings = {}): Model {
  const b = new Builder();
  const draw = random(0, 'weights');
  /** He's initialization, of uniform numbers. */
  const layer = (name: string, dims: readonly number[]) => {
    const bound = Math.sqrt(6 / sizeOf(dims.slice(1)));
    const data = new Float32Array(sizeOf(dims));
    for (let i = 0; i < data.length; i += 1) data[i] = (2 * draw.uniform() - 1) * bound;
    const bias = new Float32Array(dims[0] as number);
    return [
      b.initializer(`${name}.weight`, { type: 'float32', dims, data }),
      b.initializer(`${name}.bias`, { type: 'float32', dims: [bias.length], data: bias }),
    ];
  };
  let x = b.input('image', 'float32', ['N', 3, 224, 224]);
  let from = 3;
  for (const [stage, convs] of STAGES.entries()) {
    for (const [index, to] of convs.entries()) {
      const name = `conv${stage + 1}_${index + 1}`;
      const y = b.op('Conv', [x, ...layer(name, [to, from, 3, 3])], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
      });
      x = b.op('Relu', [y], {}, `${name}.relu`);
      from = to;
    }
    x = b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  x = b.op('Flatten', [x], { axis: 1 });
  for (const [name, to, width] of [
    ['fc6', hidden, 512 * 7 * 7],
    ['fc7', hidden, hidden],
  ] as const) {
    x = b.op('Relu', [b.op('Gemm', [x, ...layer(name, [to, width])], { transB: 1 })]);
  }
  const logits = b.op('Gemm', [x, ...layer('fc8', [classes, hidden])], { transB: 1 }, 'logits');
  return modelOf(b.build([{ name: logits, type: 'float32', dims: ['N', classes] }], 'vgg16'));
}
