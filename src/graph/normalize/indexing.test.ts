import { describe, expect, it } from 'vitest';
import { type Attributes, float, float32, int64 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { axes } from './axes.ts';
import { indexing } from './indexing.ts';
import { checks, type Case, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);
const labels = (...values: number[]) => int64([values.length], values);

const cases: Record<string, Case> = {
  'Slice with attributes': {
    opset: 9,
    feeds: { x },
    nodes: [node('Slice', ['x'], { starts: [1, 0], ends: [3, -1], axes: [1, 3] })],
  },
  'Slice without axes, to the end': {
    opset: 7,
    feeds: { x },
    nodes: [node('Slice', ['x'], { starts: [0, 1], ends: [2 ** 63, 2 ** 63] })],
  },
  'Slice from far before the start': {
    opset: 9,
    feeds: { x },
    nodes: [node('Slice', ['x'], { starts: [-(2 ** 63)], ends: [-2], axes: [3] })],
  },
  'Pad with a value': {
    opset: 10,
    feeds: { x },
    nodes: [node('Pad', ['x'], { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: float(0.5) })],
  },
  'Pad that crops': {
    opset: 10,
    feeds: { x },
    nodes: [node('Pad', ['x'], { pads: [0, 0, -1, 2, 0, 0, 0, -2] })],
  },
  'Pad by reflection': {
    opset: 9,
    feeds: { x },
    nodes: [
      node('Pad', ['x'], { pads: [0, 0, 1, 2, 0, 0, 2, 1], mode: 'reflect', value: float(3) }),
    ],
  },
  'Pad by the edge': {
    opset: 7,
    feeds: { x },
    nodes: [node('Pad', ['x'], { pads: [0, 0, 1, 2, 0, 0, 2, 1], mode: 'edge' })],
  },
  'Split by sizes': {
    opset: 11,
    feeds: { x },
    nodes: [node('Split', ['x'], { axis: -1, split: [1, 4] }, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  'Split in equal parts, opset 9': {
    opset: 9,
    feeds: { x },
    nodes: [node('Split', ['x'], { axis: 2 }, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  'Split in equal parts, opset 13': {
    opset: 13,
    feeds: { x },
    nodes: [node('Split', ['x'], {}, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  'Split by an input, opset 13': {
    opset: 13,
    feeds: { x },
    initializers: { sizes: labels(1, 2) },
    nodes: [node('Split', ['x', 'sizes'], { axis: 1 }, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  'TopK with k as an attribute': {
    opset: 9,
    feeds: { x },
    nodes: [node('TopK', ['x'], { k: 2, axis: 2 }, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  'TopK with k as an input': {
    opset: 10,
    feeds: { x },
    initializers: { k: labels(2) },
    nodes: [node('TopK', ['x', 'k'], {}, ['y', 'z'])],
    outputs: ['y', 'z'],
  },
  Scatter: {
    opset: 10,
    feeds: { x, at: int64([1, 1, 1, 2], [2, 0]), u: sample(1, 1, 1, 2) },
    nodes: [node('Scatter', ['x', 'at', 'u'], { axis: 3 })],
  },
  RoiAlign: {
    opset: 10,
    feeds: { x, rois: float32([2, 4], [0, 0, 3, 3, 1, 1, 4.5, 3.5]), batch: labels(0, 1) },
    nodes: [
      node('RoiAlign', ['x', 'rois', 'batch'], {
        output_height: 2,
        output_width: 3,
        sampling_ratio: 2,
        spatial_scale: float(0.75),
      }),
    ],
  },
  'Squeeze of axes': {
    opset: 11,
    feeds: { x: sample(1, 3, 1, 2) },
    nodes: [node('Squeeze', ['x'], { axes: [0, -2] })],
  },
  'Squeeze of all': {
    opset: 9,
    feeds: { x: sample(1, 3, 1, 2) },
    nodes: [node('Squeeze', ['x'])],
  },
  Unsqueeze: { opset: 9, feeds: { x }, nodes: [node('Unsqueeze', ['x'], { axes: [0, 3] })] },
  'ReduceSum over axes': {
    opset: 9,
    feeds: { x },
    nodes: [node('ReduceSum', ['x'], { axes: [1, 3], keepdims: 0 })],
  },
  'ReduceSum over all': { opset: 11, feeds: { x }, nodes: [node('ReduceSum', ['x'])] },
  'ReduceSum with axes as an input': {
    opset: 13,
    feeds: { x },
    initializers: { axes: labels(-1) },
    nodes: [node('ReduceSum', ['x', 'axes'], { noop_with_empty_axes: 1 })],
  },
};

describe('slicing, padding, gathering and reducing give the same values', () => {
  for (const [name, test] of Object.entries(cases)) it(name, () => same(test));

  for (const op of ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare']) {
    it(`Reduce${op}`, async () => {
      const positive = float32(
        x.dims,
        Array.from(x.data as Float32Array, (value) => Math.abs(value) + 0.1),
      );
      const reduced = (opset: number, attributes: Attributes) =>
        same(
          { opset, feeds: { x: positive }, nodes: [node(`Reduce${op}`, ['x'], attributes)] },
          1e-4,
        );
      await reduced(9, { axes: [1, 2] });
      await reduced(11, { axes: [-1], keepdims: 0 });
      await reduced(13, { keepdims: 0 });
    });
  }
});

it('covers every rule of the family', () => {
  expect(unexercised([...axes, ...indexing])).toEqual([]);
});
