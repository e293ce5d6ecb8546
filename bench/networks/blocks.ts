import { Builder, OPSET } from '../../src/graph/index.ts';
import { random } from '../../src/data/index.ts';
import { float32, type Model, sizeOf } from '../../src/onnx/index.ts';

export interface ConvSettings {
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly group?: number;
}

/** Writes networks of convolutions with BatchNormalization, as torchvision's. */
export function blocks() {
  const b = new Builder();
  const draw = random(0, 'weights');
  const drawn = (name: string, dims: readonly number[]) => {
    const bound = 1 / Math.sqrt(sizeOf(dims.slice(1)));
    const values = Array.from({ length: sizeOf(dims) }, () => (2 * draw.uniform() - 1) * bound);
    return b.initializer(name, float32(dims, values));
  };
  const filled = (name: string, size: number, value: number) =>
    b.initializer(name, float32([size], Array<number>(size).fill(value)));

  return {
    b,
    /** Convolution without bias, padded to keep its size but for the stride, then normalised. */
    conv(x: string, name: string, { from, to, kernel, stride = 1, group = 1 }: ConvSettings) {
      const before = kernel >> 1;
      const y = b.op('Conv', [x, drawn(`${name}.weight`, [to, from / group, kernel, kernel])], {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [before, before, before, before],
        group,
      });
      const norm = `${name}.norm`;
      return b.op('BatchNormalization', [
        y,
        filled(`${norm}.weight`, to, 1),
        filled(`${norm}.bias`, to, 0),
        filled(`${norm}.mean`, to, 0),
        filled(`${norm}.var`, to, 1),
      ]);
    },
    /** Mean over all places, and a linear classifier. */
    finish(x: string, from: number, classes: number, name: string): Model {
      const features = b.op('Flatten', [b.op('GlobalAveragePool', [x])], { axis: 1 });
      const weight = drawn('fc.weight', [classes, from]);
      const bias = filled('fc.bias', classes, 0);
      const logits = b.op('Gemm', [features, weight, bias], { transB: 1 }, 'logits');
      const graph = b.build([{ name: logits, type: 'float32', dims: ['N', classes] }], name);
      return {
        irVersion: 10,
        opsets: new Map([['', OPSET]]),
        producer: 'fineprune',
        metadata: new Map(),
        graph,
      };
    },
  };
}
