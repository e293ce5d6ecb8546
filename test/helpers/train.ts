import { readFileSync } from 'node:fs';
import { arrayDataset, type Dataset } from '../../src/data/index.ts';
import { Builder } from '../../src/graph/index.ts';
import { float32, type Graph } from '../../src/onnx/index.ts';
import type { OptimizerSettings } from '../../src/train/optimizers.ts';

/** For tests: a small CNN trained by PyTorch, written by scripts/golden/ops.py. */
interface Golden {
  readonly parameters: Readonly<Record<string, Values>>;
  readonly images: Values;
  readonly labels: readonly number[];
  readonly weighted: {
    readonly weights: readonly number[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, Values>>;
  };
  readonly runs: readonly {
    readonly name: string;
    readonly settings: OptimizerSettings;
    readonly rate: number;
    readonly losses: readonly number[];
    readonly last: Readonly<Record<string, Values>>;
  }[];
  readonly rates: Readonly<Record<'stepwise' | 'cosine' | 'oneCycle', readonly number[]>>;
}
interface Values {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

export const golden = JSON.parse(
  readFileSync(new URL('../golden/ops/training.json', import.meta.url), 'utf8'),
) as Golden;

export const names = Object.keys(golden.parameters);
export const SAMPLE = [1, 8, 8];
export const BATCH = 8;

/** The CNN: conv 4@3x3, max-pool, conv 6@3x3, average-pool, fc 8, fc 5. */
export function goldenGraph(): Graph {
  const b = new Builder();
  const x = b.input('image', 'float32', ['N', ...SAMPLE]);
  for (const [name, { dims, data }] of Object.entries(golden.parameters)) {
    b.initializer(name, float32(dims, data));
  }
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const conv1 = b.op('Conv', [x, 'conv1.weight', 'conv1.bias'], { pads: [1, 1, 1, 1] });
  const pool1 = b.op('MaxPool', [b.op('Relu', [conv1])], pool);
  const conv2 = b.op('Conv', [pool1, 'conv2.weight', 'conv2.bias']);
  const pool2 = b.op('AveragePool', [b.op('Relu', [conv2])], pool);
  const flat = b.op('Flatten', [pool2]);
  const fc1 = b.op('Gemm', [flat, 'fc1.weight', 'fc1.bias'], { transB: 1 });
  const fc2 = b.op(
    'Gemm',
    [b.op('Relu', [fc1]), 'fc2.weight', 'fc2.bias'],
    { transB: 1 },
    'logits',
  );
  return b.build([{ name: fc2, type: 'float32', dims: ['N', 5] }]);
}

/** The batch that PyTorch used at a step. */
export function goldenBatch(step: number): {
  x: Float32Array;
  y: Int32Array;
  weights: Float32Array;
} {
  const at = (step % 4) * BATCH;
  return {
    x: Float32Array.from(golden.images.data.slice(at * 64, (at + BATCH) * 64)),
    y: Int32Array.from(golden.labels.slice(at, at + BATCH)),
    weights: new Float32Array(BATCH).fill(1),
  };
}

/** The first `length` images as a data set. */
export function goldenDataset(length = golden.labels.length): Dataset {
  return arrayDataset({
    name: 'golden',
    classes: ['a', 'b', 'c', 'd', 'e'],
    sample: SAMPLE,
    labels: Int32Array.from(golden.labels.slice(0, length)),
    data: Float32Array.from(golden.images.data.slice(0, length * 64)),
  });
}

/** The largest difference of two arrays, relative to the largest value. */
export function distance(got: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(1e-9, ...expected.map(Math.abs));
  return Math.max(
    ...expected.map((value, index) => Math.abs((got[index] as number) - value) / scale),
  );
}
