import { random, type Random } from '../../data/index.ts';
import { Builder, OPSET } from '../../graph/index.ts';
import { float32, type Model, sizeOf, type TensorOf } from '../../onnx/index.ts';

/**
 * The initialization of weights, uniform:
 * - `torch`: weights and biases within ±1/√(fan in), as in PyTorch's layers.
 * - `he`: weights within ±√(6 / fan in), biases 0 (He et al. 2015), which keeps the variance of a signal
 *   through many layers of ReLU. The mean of each unit's weights is subtracted (Huang et al. 2017,
 *   Centered Weight Normalization): the common positive part of ReLU's outputs cancels.
 */
export type Initialization = 'torch' | 'he';

/** Builds a network layer by layer. Initializers are named after their layer: `conv1.weight`, `conv1.bias`. */
export interface NetworkBuilder {
  readonly b: Builder;
  readonly draw: Random;
  readonly initialization: Initialization;
}

export interface ConvSettings {
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride?: number | undefined;
  readonly pad?: number | undefined;
  readonly group?: number | undefined;
}

export function network(seed: number, initialization: Initialization = 'torch'): NetworkBuilder {
  return { b: new Builder(), draw: random(seed, 'weights'), initialization };
}

export function conv(net: NetworkBuilder, x: string, name: string, settings: ConvSettings): string {
  const { from, to, kernel, stride = 1, pad = 0, group = 1 } = settings;
  const [weight, bias] = parameters(net, name, [to, from / group, kernel, kernel]);
  return net.b.op(
    'Conv',
    [x, weight, bias],
    {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    },
    name,
  );
}

/**
 * A convolution without bias, padded to keep the size (apart from the stride), then BatchNormalization.
 * Weights have the initialization of He et al. (2015) by fan out, which deep networks need to learn.
 */
export function convNorm(
  net: NetworkBuilder,
  x: string,
  name: string,
  settings: Omit<ConvSettings, 'pad'>,
): string {
  const { from, to, kernel, stride = 1, group = 1 } = settings;
  const pad = kernel >> 1;
  const deviation = Math.sqrt(2 / ((kernel * kernel * to) / group));
  const dims = [to, from / group, kernel, kernel];
  const drawn = filled(dims, () => net.draw.normal() * deviation);
  const weight = net.b.initializer(`${name}.weight`, drawn);
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group,
  };
  return batchNorm(net, net.b.op('Conv', [x, weight], attributes, name), `${name}.norm`, to);
}

/** BatchNormalization with the initial mean 0 and variance 1. */
export function batchNorm(net: NetworkBuilder, x: string, name: string, channels: number): string {
  const filled = (part: string, value: number) =>
    net.b.initializer(`${name}.${part}`, float32([channels], Array(channels).fill(value)));
  const inputs = [filled('weight', 1), filled('bias', 0), filled('mean', 0), filled('var', 1)];
  return net.b.op('BatchNormalization', [x, ...inputs], {}, name);
}

/** Global average pooling and a linear classifier. */
export function averageAndClassify(
  net: NetworkBuilder,
  x: string,
  from: number,
  classes: number,
): string {
  const mean = net.b.op('GlobalAveragePool', [x], {}, 'average');
  return linear(net, flatten(net, mean), 'fc', from, classes);
}

export function linear(
  net: NetworkBuilder,
  x: string,
  name: string,
  from: number,
  to: number,
): string {
  const [weight, bias] = parameters(net, name, [to, from]);
  return net.b.op('Gemm', [x, weight, bias], { transB: 1 }, name);
}

export function relu(net: NetworkBuilder, x: string, name: string): string {
  return net.b.op('Relu', [x], {}, name);
}

export function pool(
  net: NetworkBuilder,
  kind: 'MaxPool' | 'AveragePool',
  x: string,
  name: string,
  size = 2,
): string {
  return net.b.op(kind, [x], { kernel_shape: [size, size], strides: [size, size] }, name);
}

export function flatten(net: NetworkBuilder, x: string, name = 'flatten'): string {
  return net.b.op('Flatten', [x], { axis: 1 }, name);
}

/** Finishes a network with one output: the model runs on any ONNX runtime. */
export function finish(
  net: NetworkBuilder,
  output: string,
  classes: number,
  about: { name: string; metadata?: Readonly<Record<string, string>> | undefined },
): Model {
  const graph = net.b.build([{ name: output, type: 'float32', dims: ['N', classes] }], about.name);
  return {
    irVersion: 9,
    opsets: new Map([['', OPSET]]),
    producer: 'fineprune',
    metadata: new Map(Object.entries(about.metadata ?? {})),
    graph,
  };
}

function parameters(net: NetworkBuilder, name: string, dims: readonly number[]): [string, string] {
  const fanIn = sizeOf(dims.slice(1));
  const bound = net.initialization === 'he' ? Math.sqrt(6 / fanIn) : 1 / Math.sqrt(fanIn);
  const uniform = (limit: number) => () => (2 * net.draw.uniform() - 1) * limit;
  const data = new Float32Array(sizeOf(dims));
  for (let start = 0; start < data.length; start += fanIn) {
    const unit = Float64Array.from({ length: fanIn }, uniform(bound));
    const mean = net.initialization === 'he' ? unit.reduce((a, b) => a + b, 0) / fanIn : 0;
    data.set(
      unit.map((weight) => weight - mean),
      start,
    );
  }
  return [
    net.b.initializer(`${name}.weight`, { type: 'float32', dims, data }),
    net.b.initializer(
      `${name}.bias`,
      filled(dims.slice(0, 1), uniform(net.initialization === 'he' ? 0 : bound)),
    ),
  ];
}

/** Fills the tensor directly: an intermediate array of numbers takes three times the memory. */
function filled(dims: readonly number[], next: () => number): TensorOf<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from({ length: sizeOf(dims) }, next) };
}
