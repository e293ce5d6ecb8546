import { deepIdNetwork } from '../../src/lab/networks/deepid.ts';
import { digitNetwork } from '../../src/lab/networks/digits.ts';
import { smallNetwork } from '../../src/lab/networks/small.ts';
import { speechNetwork } from '../../src/lab/networks/speech.ts';
import {
  type Graph,
  type ValueInfo,
  type Model,
  sizeOf,
  type TensorOf,
} from '../../src/onnx/index.ts';
import { mobileNetV2 } from './mobilenetv2.ts';
import { resnet18 } from './resnet18.ts';

/** A network of the benchmark; bench/pytorch/networks.py builds the same networks by name. */
export interface BenchNetwork {
  readonly name: string;
  build(): Model;
  readonly batch: number;
  readonly sample: readonly number[];
  readonly classes: number;
  readonly logits: string;
  /** Measured, but not part of the means. */
  readonly extra?: boolean | undefined;
}

export const networks: readonly BenchNetwork[] = [
  {
    name: 'small',
    build: () => smallNetwork(0),
    batch: 64,
    sample: [3, 32, 32],
    classes: 10,
    logits: 'fc2',
  },
  {
    name: 'deepid',
    build: () => deepIdNetwork(0, 1283),
    batch: 64,
    sample: [3, 55, 47],
    classes: 1283,
    logits: 'fc5',
  },
  {
    name: 'speech',
    build: () => speechNetwork(0),
    batch: 32,
    sample: [1, 128, 128],
    classes: 10,
    logits: 'fc8',
  },
  {
    name: 'resnet18',
    build: resnet18,
    batch: 32,
    sample: [3, 32, 32],
    classes: 10,
    logits: 'fc',
  },
  {
    name: 'mobilenetv2',
    build: mobileNetV2,
    batch: 32,
    sample: [3, 64, 64],
    classes: 10,
    logits: 'fc',
  },
  {
    name: 'digits',
    build: () => digitNetwork(0),
    batch: 64,
    sample: [1, 28, 28],
    classes: 10,
    logits: 'fc2',
    extra: true,
  },
];

/** A fixed batch of values from 0 to 1. */
export function picturesOf({ batch, sample }: BenchNetwork): TensorOf<'float32'> {
  const size = batch * sizeOf(sample);
  const data = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 997) / 997);
  return { type: 'float32', dims: [batch, ...sample], data };
}

/** The name of the graph's input. */
export function inputOf(graph: Graph): string {
  return (graph.inputs[0] as ValueInfo).name;
}

/** The trained parameters: weights, biases, and scales and shifts of normalizations. */
export function trainedIn(graph: Graph): string[] {
  return [...graph.initializers.keys()].filter((name) => /\.(?:weight|bias)$/.test(name));
}
