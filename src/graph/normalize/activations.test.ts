import { describe, expect, it } from 'vitest';
import { float, float32 } from '../../onnx/index.ts';
import { nodeRuntime } from '../../runtime/index.ts';
import { activations } from './activations.ts';
import { legacy } from './legacy.ts';
import { checks, type Case, node, sample } from '../../../test/helpers/normalize.ts';

const { same, unexercised } = checks(() => nodeRuntime({ threads: 1 }));
const x = sample(2, 3, 4, 5);

const cases: Record<string, Case> = {
  'Clip with both bounds': {
    opset: 9,
    feeds: { x },
    nodes: [node('Clip', ['x'], { min: float(0), max: float(1) })],
  },
  'Clip from below, of infinities too': {
    opset: 7,
    feeds: { x: float32([3], [Infinity, -Infinity, 1e38]) },
    nodes: [node('Clip', ['x'], { min: float(-0.5) })],
  },
  'Clip without bounds, of infinities': {
    opset: 10,
    feeds: { x: float32([2], [Infinity, -Infinity]) },
    nodes: [node('Clip', ['x'])],
  },
  'Clip with inputs': {
    opset: 11,
    feeds: { x },
    initializers: { max: float32([], [0.25]) },
    nodes: [node('Clip', ['x', '', 'max'])],
  },
  'Dropout, opset 7, its mask unread': {
    opset: 7,
    feeds: { x },
    nodes: [node('Dropout', ['x'], { ratio: float(0.4) }, ['y', 'mask'])],
  },
  'Dropout, opset 10': { opset: 10, feeds: { x }, nodes: [node('Dropout', ['x'])] },
  'Dropout, opset 12, with its mask': {
    opset: 12,
    feeds: { x },
    nodes: [node('Dropout', ['x'], {}, ['y', 'mask'])],
    outputs: ['y', 'mask'],
  },
  'Gelu to opset 18': {
    opset: 20,
    feeds: { x },
    nodes: [node('Gelu', ['x'])],
    to: { opset: 18 },
  },
  'Gelu by tanh to opset 18': {
    opset: 21,
    feeds: { x },
    nodes: [node('Gelu', ['x'], { approximate: 'tanh' })],
    to: { opset: 18 },
  },
  Swish: { opset: 24, feeds: { x }, nodes: [node('Swish', ['x'])] },
  'Swish with alpha': {
    opset: 24,
    feeds: { x },
    nodes: [node('Swish', ['x'], { alpha: float(1.5) })],
  },
};

describe('activations give the same values', () => {
  for (const [name, test] of Object.entries(cases)) it(name, () => same(test));
});

describe('experimental operators of opset 9', () => {
  it('ImageScaler', () =>
    same({
      opset: 8,
      feeds: { x },
      nodes: [node('ImageScaler', ['x'], { scale: float(0.5), bias: { floats: [1, 2, 3] } })],
    }));
  it('Affine', () =>
    same({
      opset: 9,
      feeds: { x },
      nodes: [node('Affine', ['x'], { alpha: float(0.5), beta: float(2) })],
    }));
  it('ScaledTanh', () =>
    same({
      opset: 9,
      feeds: { x },
      nodes: [node('ScaledTanh', ['x'], { alpha: float(1.7159), beta: float(0.6667) })],
    }));
  it('ParametricSoftplus', () =>
    same({
      opset: 9,
      feeds: { x },
      nodes: [node('ParametricSoftplus', ['x'], { alpha: float(0.5), beta: float(2) })],
    }));
  it('Crop', () =>
    same({ opset: 9, feeds: { x }, nodes: [node('Crop', ['x'], { border: [1, 1, 2, 0] })] }));
});

it('covers every rule of the family', () => {
  expect(unexercised([...activations, ...legacy])).toEqual([]);
});
