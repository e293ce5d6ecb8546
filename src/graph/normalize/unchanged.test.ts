import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Attributes,
  float,
  float32,
  int64,
  type Node,
  type Tensor,
} from '../../onnx/index.ts';
import { nodeRuntime, type Runtime } from '../../runtime/index.ts';
import { bothWays, difference, node, sample } from '../../../test/helpers/normalize.ts';

let runtime: Runtime;

beforeAll(async () => {
  runtime = await nodeRuntime({ threads: 1 });
});

const x = sample(2, 4, 7, 8);
const bool = (tensor: Tensor): Tensor => ({
  type: 'bool',
  dims: tensor.dims,
  data: Uint8Array.from(tensor.data as Float32Array, (value) => Number(value > 0)),
});

interface Unchanged {
  readonly opset: number;
  readonly node: Node;
  readonly feeds?: Readonly<Record<string, Tensor>> | undefined;
}

const one = (opset: number, op: string, attributes: Attributes = {}): Unchanged => ({
  opset,
  node: node(op, ['x'], attributes),
});
const two = (opset: number, op: string, a: Tensor, b: Tensor, attributes: Attributes = {}) => ({
  opset,
  node: node(op, ['x', 'b'], attributes),
  feeds: { x: a, b },
});
const window = { kernel_shape: [3, 3], strides: [2, 2] };
const recurrent = (op: string, gates: number, attributes: Attributes = {}): Unchanged => ({
  opset: 7,
  node: node(op, ['x', 'w', 'r', 'b'], { hidden_size: 5, ...attributes }, ['y', 'h']),
  feeds: {
    x: sample(6, 2, 4),
    w: sample(1, gates * 5, 4),
    r: sample(1, gates * 5, 5),
    b: sample(1, gates * 10),
  },
});

/** Operators that no rule touches, at the oldest opset that they have here. */
const cases: Record<string, Unchanged> = {
  'AveragePool, ceil_mode': one(10, 'AveragePool', { ...window, ceil_mode: 1 }),
  'AveragePool, padded, counted': one(7, 'AveragePool', {
    ...window,
    pads: [1, 1, 1, 1],
    count_include_pad: 1,
  }),
  'AveragePool, ceil_mode, padded': one(10, 'AveragePool', {
    ...window,
    ceil_mode: 1,
    pads: [1, 0, 1, 0],
  }),
  'AveragePool, SAME_LOWER': one(7, 'AveragePool', { ...window, auto_pad: 'SAME_LOWER' }),
  MaxPool: one(7, 'MaxPool', { ...window, pads: [1, 1, 1, 1] }),
  'MaxPool, ceil_mode': one(10, 'MaxPool', { ...window, ceil_mode: 1, pads: [1, 1, 1, 1] }),
  'MaxPool, dilated': one(10, 'MaxPool', { kernel_shape: [2, 2], dilations: [2, 3] }),
  'MaxPool, column order': one(8, 'MaxPool', { ...window, storage_order: 1 }),
  LpPool: one(7, 'LpPool', { ...window, p: 3 }),
  GlobalLpPool: one(7, 'GlobalLpPool', { p: 1 }),
  LRN: one(7, 'LRN', { size: 3, alpha: float(0.1), beta: float(0.6), bias: float(2) }),
  LpNormalization: one(7, 'LpNormalization', { axis: 1, p: 1 }),
  MeanVarianceNormalization: one(9, 'MeanVarianceNormalization', { axes: [0, 2, 3] }),
  InstanceNormalization: {
    opset: 7,
    node: node('InstanceNormalization', ['x', 's', 'b'], { epsilon: float(0.1) }),
    feeds: { x, s: sample(4), b: sample(4) },
  },
  Conv: {
    opset: 7,
    node: node('Conv', ['x', 'w', 'b'], { ...window, group: 2, auto_pad: 'SAME_LOWER' }),
    feeds: { x, w: sample(6, 2, 3, 3), b: sample(6) },
  },
  'ConvTranspose, an odd number of elements too many': {
    opset: 7,
    node: node('ConvTranspose', ['x', 'w'], { strides: [2, 2], output_shape: [14, 16] }),
    feeds: { x, w: sample(4, 3, 3, 3) },
  },
  'ConvTranspose, SAME_UPPER': {
    opset: 7,
    node: node('ConvTranspose', ['x', 'w'], {
      strides: [2, 2],
      auto_pad: 'SAME_UPPER',
      output_shape: [14, 16],
    }),
    feeds: { x, w: sample(4, 3, 3, 3) },
  },
  Gemm: {
    opset: 7,
    node: node('Gemm', ['x', 'w', 'b'], { transB: 1, alpha: float(0.5), beta: float(2) }),
    feeds: { x: sample(3, 4), w: sample(5, 4), b: sample(5) },
  },
  'Concat along a negative axis': two(11, 'Concat', x, x, { axis: -2 }),
  Gather: two(7, 'Gather', x, int64([2], [3, 0]), { axis: 1 }),
  'Flatten before axis 0': one(7, 'Flatten', { axis: 0 }),
  'Reshape with a zero and -1': two(7, 'Reshape', x, int64([3], [0, -1, 4])),
  Expand: two(8, 'Expand', sample(3, 1), int64([3], [2, 1, 4])),
  Tile: two(7, 'Tile', x, int64([4], [1, 2, 1, 2])),
  Transpose: one(7, 'Transpose'),
  PRelu: two(7, 'PRelu', x, sample(4, 1, 1)),
  'Elu, alpha': one(7, 'Elu', { alpha: float(0.3) }),
  HardSigmoid: one(7, 'HardSigmoid', { alpha: float(0.3) }),
  Selu: one(7, 'Selu'),
  'LeakyRelu, default': one(7, 'LeakyRelu'),
  ThresholdedRelu: one(10, 'ThresholdedRelu', { alpha: float(0.5) }),
  Erf: one(9, 'Erf'),
  Softplus: one(7, 'Softplus'),
  'ArgMax, default': one(7, 'ArgMax', { axis: 2 }),
  'ArgMin, axes dropped': one(7, 'ArgMin', { keepdims: 0 }),
  DepthToSpace: one(7, 'DepthToSpace', { blocksize: 2 }),
  SpaceToDepth: one(7, 'SpaceToDepth', { blocksize: 1 }),
  Pow: two(7, 'Pow', float32([3], [1, 2, 3]), float32([3, 1], [0, 0.5, 2])),
  Mod: two(10, 'Mod', int64([3], [-5, 5, 7]), int64([3], [3, -3, 4])),
  And: two(7, 'And', bool(x), bool(x)),
  Equal: two(7, 'Equal', int64([3], [1, 2, 3]), int64([1], [2])),
  Less: two(7, 'Less', x, sample(7, 8)),
  Max: two(8, 'Max', x, sample(7, 8)),
  Mean: two(8, 'Mean', x, sample(7, 8)),
  OneHot: {
    opset: 9,
    node: node('OneHot', ['x', 'depth', 'values'], { axis: 0 }),
    feeds: { x: int64([3], [0, 2, 4]), depth: int64([1], [3]), values: sample(2) },
  },
  'OneHot of negative indices': {
    opset: 9,
    node: node('OneHot', ['x', 'depth', 'values']),
    feeds: { x: int64([3], [-1, 2, -4]), depth: int64([1], [3]), values: sample(2) },
  },
  ConstantOfShape: {
    opset: 9,
    node: node('ConstantOfShape', ['x'], {
      value: { type: 'float32', dims: [1], data: Float32Array.of(0.5) },
    }),
    feeds: { x: int64([2], [2, 3]) },
  },
  Shape: one(7, 'Shape'),
  Size: one(7, 'Size'),
  NonZero: one(9, 'NonZero'),
  EyeLike: { opset: 9, node: node('EyeLike', ['x'], { k: 1 }), feeds: { x: sample(3, 4) } },
  Where: {
    opset: 9,
    node: node('Where', ['c', 'x', 'b']),
    feeds: { c: bool(sample(7, 8)), x, b: sample(8) },
  },
  Compress: {
    opset: 9,
    node: node('Compress', ['x', 'c'], { axis: 1 }),
    feeds: { x, c: bool(sample(4)) },
  },
  CumSum: two(
    11,
    'CumSum',
    x,
    { type: 'int64', dims: [], data: BigInt64Array.of(1n) },
    { reverse: 1 },
  ),
  Einsum: two(12, 'Einsum', sample(2, 3), sample(3, 4), { equation: 'ij,jk->ki' }),
  RNN: recurrent('RNN', 1, { activations: ['Relu'] }),
  GRU: recurrent('GRU', 3, { linear_before_reset: 1 }),
  LSTM: recurrent('LSTM', 4, { direction: 'reverse', clip: float(0.7) }),
};

describe('an operator without a rule gives the same values at the canonical opset', () => {
  for (const [name, test] of Object.entries(cases)) {
    it(name, async () => {
      const outputs = test.node.outputs;
      const { before, after, normalized } = await bothWays(runtime, {
        opset: test.opset,
        nodes: [test.node],
        feeds: test.feeds ?? { x },
        outputs,
      });
      expect(normalized.graph.nodes).toEqual([test.node]);
      expect(normalized.changes).toEqual([]);
      for (const output of outputs) {
        expect(difference(before[output], after[output])).toBeLessThanOrEqual(1e-6);
      }
    });
  }
});
