import { describe, expect, it } from 'vitest';
import { float32, int64 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { recent } from './recent.ts';
import { signal } from './signal.ts';
import { checks, type Case, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);
const labels = (...values: number[]) => int64([values.length], values);

const cases: Record<string, Case> = {
  'DFT along an axis': {
    opset: 17,
    feeds: { x: sample(2, 8, 6, 1) },
    nodes: [node('DFT', ['x'], { axis: 2, onesided: 1 })],
  },
  'DFT of a length': {
    opset: 17,
    feeds: { x: sample(2, 8, 1) },
    initializers: { length: int64([], [6]) },
    nodes: [node('DFT', ['x', 'length'])],
  },
  'DFT to opset 18': {
    opset: 20,
    feeds: { x: sample(2, 8, 6, 1) },
    initializers: { axis: int64([], [1]) },
    nodes: [node('DFT', ['x', '', 'axis'])],
    to: { opset: 18 },
  },
  'DFT to opset 19, last axis': {
    opset: 20,
    feeds: { x: sample(2, 8, 6, 1) },
    nodes: [node('DFT', ['x'])],
    to: { opset: 19 },
  },
  'Cast with attributes about 8-bit floats': {
    opset: 24,
    feeds: { x },
    nodes: [node('Cast', ['x'], { to: 7, saturate: 1, round_mode: 'up' })],
    to: { opset: 18 },
  },
  'CastLike with attributes about 8-bit floats': {
    opset: 24,
    feeds: { x, like: labels(1) },
    nodes: [node('CastLike', ['x', 'like'], { saturate: 1, round_mode: 'up' })],
    to: { opset: 18 },
  },
  'QuantizeLinear and DequantizeLinear with new attributes': {
    opset: 23,
    feeds: { x },
    initializers: { s: float32([], [0.1]), z: { type: 'uint8', dims: [], data: Uint8Array.of(9) } },
    nodes: [
      node('QuantizeLinear', ['x', 's', 'z'], { block_size: 0, precision: 1, saturate: 1 }, ['q']),
      node('DequantizeLinear', ['q', 's', 'z'], { block_size: 0, output_dtype: 1 }),
    ],
    to: { opset: 18 },
  },
  'AveragePool with dilations of one': {
    opset: 19,
    feeds: { x },
    nodes: [node('AveragePool', ['x'], { kernel_shape: [2, 2], dilations: [1, 1] })],
    to: { opset: 18 },
  },
};

describe('operators of newer opsets are expressed in older ones', () => {
  for (const [name, test] of Object.entries(cases)) it(name, () => same(test));
});

it('covers every rule of the family', () => {
  expect(unexercised([...recent, ...signal])).toEqual([]);
});
