import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float, float32, int64 } from '../../onnx/index.ts';
import { nodeRuntime, type Runtime } from '../../runtime/index.ts';
import { ruleName, rules } from '../normalise.ts';
import { type BothWays, bothWays, type Case, difference, node, sample } from './fixture.ts';

let runtime: Runtime;
const exercised = new Set<string>();

beforeAll(async () => {
  runtime = await nodeRuntime({ threads: 1 });
});

async function same(test: Case, tolerance = 1e-6): Promise<BothWays> {
  const result = await bothWays(runtime, test);
  for (const { rule } of result.normalised.changes) exercised.add(rule);
  for (const output of test.outputs ?? ['y']) {
    expect(difference(result.before[output], result.after[output]), output).toBeLessThanOrEqual(
      tolerance,
    );
  }
  return result;
}

const x = sample(2, 3, 4, 5);
const labels = (...values: number[]) => int64([values.length], values);
const ops = ({ normalised }: BothWays) => normalised.graph.nodes.map(({ op }) => op);

/** Cases by name: as they are at their opset, and normalised, they give the same. */
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
  'Constants of each kind': {
    opset: 12,
    nodes: [
      node('Constant', [], { value: sample(2, 2) }, ['tensor']),
      node('Constant', [], { value_float: float(1.5) }, ['scalar']),
      node('Constant', [], { value_floats: { floats: [0.5, 2] } }, ['list']),
      node('Constant', [], { value_int: -1 }, ['int']),
      node('Constant', [], { value_ints: [5, 3] }, ['ints']),
      node('Constant', [], { value_string: 'a' }, ['string']),
      node('Constant', [], { value_strings: ['a', 'b'] }, ['strings']),
      node('Mul', ['tensor', 'scalar'], {}, ['a']),
      node('Add', ['a', 'list'], {}, ['b']),
      node('Add', ['ints', 'int'], {}, ['dims']),
      node('Expand', ['b', 'two'], {}, ['c']),
      node('Reshape', ['c', 'dims'], {}, ['y']),
    ],
    initializers: { two: int64([3], [2, 2, 2]) },
  },
  'Cast between integers and floats': {
    opset: 9,
    feeds: { x },
    nodes: [node('Cast', ['x'], { to: 6 }, ['i']), node('Cast', ['i'], { to: 1 })],
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

describe('a model means the same in the canonical opset', () => {
  for (const [name, test] of Object.entries(cases)) it(name, () => same(test));

  for (const op of ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare']) {
    it(`Reduce${op}`, async () => {
      const positive = float32(
        x.dims,
        Array.from(x.data as Float32Array, (value) => Math.abs(value) + 0.1),
      );
      const nodes = (attributes: object) => [node(`Reduce${op}`, ['x'], { ...attributes })];
      await same({ opset: 9, feeds: { x: positive }, nodes: nodes({ axes: [1, 2] }) }, 1e-4);
      await same({ opset: 11, feeds: { x: positive }, nodes: nodes({ axes: [-1], keepdims: 0 }) });
      await same({ opset: 13, feeds: { x: positive }, nodes: nodes({ keepdims: 0 }) }, 1e-4);
    });
  }
});

describe('Softmax, LogSoftmax and Hardmax before opset 13', () => {
  for (const op of ['Softmax', 'LogSoftmax', 'Hardmax']) {
    for (const axis of [undefined, 0, 1, 2, 3, -1, -2]) {
      const opset = axis !== undefined && axis < 0 ? 11 : 9;
      it(`${op} from axis ${axis ?? 'left out'}`, () =>
        same({
          opset,
          feeds: { x },
          nodes: [node(op, ['x'], axis === undefined ? {} : { axis })],
        }));
    }
  }

  it('stay one node where the graph tells that the axis is the last', async () => {
    const result = await same({
      opset: 9,
      feeds: { x },
      initializers: { w: sample(60, 4), b: sample(4) },
      nodes: [
        node('Flatten', ['x'], {}, ['f']),
        node('Gemm', ['f', 'w', 'b'], {}, ['g']),
        node('Softmax', ['g']),
      ],
    });
    expect(ops(result)).toEqual(['Flatten', 'Gemm', 'Softmax']);
  });

  it('know the rank of attention scores as torch writes them', async () => {
    const result = await same({
      opset: 11,
      feeds: { x: sample(2, 6, 8) },
      initializers: { zero: int64([], [0]), six: labels(6), heads: labels(2), four: labels(4) },
      nodes: [
        node('Shape', ['x'], {}, ['s']),
        node('Gather', ['s', 'zero'], {}, ['n']),
        node('Unsqueeze', ['n'], { axes: [0] }, ['n1']),
        node('Concat', ['n1', 'six', 'heads', 'four'], { axis: 0 }, ['dims']),
        node('Reshape', ['x', 'dims'], {}, ['q']),
        node('Transpose', ['q'], { perm: [0, 2, 1, 3] }, ['qt']),
        node('Transpose', ['q'], { perm: [0, 2, 3, 1] }, ['kt']),
        node('MatMul', ['qt', 'kt'], {}, ['scores']),
        node('Softmax', ['scores'], { axis: 3 }),
      ],
    });
    expect(ops(result).filter((op) => op === 'Flatten')).toEqual([]);
  });
});

describe('Upsample and Resize before opset 13', () => {
  const scales = (...values: number[]) => float32([values.length], values);

  for (const mode of ['nearest', 'linear']) {
    it(`Upsample ${mode}, scales as an attribute`, () =>
      same({
        opset: 7,
        feeds: { x },
        nodes: [node('Upsample', ['x'], { mode, scales: { floats: [1, 1, 2, 2.5] } })],
      }));
    it(`Upsample ${mode}, scales as an input`, () =>
      same({
        opset: 9,
        feeds: { x },
        initializers: { s: scales(1, 1, 2, 3) },
        nodes: [node('Upsample', ['x', 's'], { mode })],
      }));
    for (const [what, factors] of Object.entries({
      larger: [1, 1, 1.7, 2],
      smaller: [1, 1, 0.6, 0.5],
      mixed: [1, 1, 0.7, 2.3],
    })) {
      it(`Resize ${mode}, opset 10, ${what}`, () =>
        same({
          opset: 10,
          feeds: { x: sample(1, 2, 7, 9) },
          initializers: { s: scales(...factors) },
          nodes: [node('Resize', ['x', 's'], { mode })],
        }));
      it(`Resize ${mode}, opset 10, ${what}, scales fed`, () =>
        same({
          opset: 10,
          feeds: { x: sample(1, 2, 7, 9), s: scales(...factors) },
          nodes: [node('Resize', ['x', 's'], { mode })],
        }));
    }
  }

  const modes = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
  for (const coordinates of modes) {
    for (const mode of ['nearest', 'linear', 'cubic']) {
      it(`Resize ${mode}, opset 11, ${coordinates}`, () =>
        same({
          opset: 11,
          feeds: { x: sample(1, 2, 7, 9) },
          initializers: { roi: float32([0], []), s: scales(1, 1, 2, 0.5) },
          nodes: [
            node('Resize', ['x', 'roi', 's'], {
              mode,
              coordinate_transformation_mode: coordinates,
              ...(mode === 'nearest' && { nearest_mode: 'floor' }),
            }),
          ],
        }));
    }
  }

  it('Resize by sizes, opset 11', async () => {
    const result = await same({
      opset: 11,
      feeds: { x },
      initializers: { none: float32([0], []), sizes: labels(2, 3, 9, 7) },
      nodes: [node('Resize', ['x', 'none', 'none', 'sizes'], { mode: 'linear' })],
    });
    expect(result.normalised.graph.nodes[0]?.inputs).toEqual(['x', '', '', 'sizes']);
  });

  it('Resize of a region, opset 11', () =>
    same({
      opset: 11,
      feeds: { x },
      initializers: {
        roi: float32([8], [0, 0, 0.2, 0.3, 1, 1, 0.9, 0.8]),
        s: scales(1, 1, 2, 2),
      },
      nodes: [
        node('Resize', ['x', 'roi', 's'], {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
          extrapolation_value: float(0.5),
        }),
      ],
    }));

  for (const nearest of ['floor', 'round_prefer_floor']) {
    for (const factors of [
      [1, 1, 2, 2],
      [1, 1, 0.5, 1.5],
    ]) {
      it(`Resize tf_half_pixel_for_nn, ${nearest}, by ${factors.join()}`, () =>
        same({
          opset: 11,
          feeds: { x },
          initializers: { roi: float32([0], []), s: scales(...factors) },
          nodes: [
            node('Resize', ['x', 'roi', 's'], {
              coordinate_transformation_mode: 'tf_half_pixel_for_nn',
              nearest_mode: nearest,
            }),
          ],
        }));
    }
  }

  for (const mode of ['bilinear', 'nearest', 'bicubic']) {
    const grid = sample(2, 3, 3, 2);
    it(`GridSample ${mode}`, () =>
      same({
        opset: 16,
        feeds: { x, grid },
        nodes: [node('GridSample', ['x', 'grid'], { mode })],
      }));
    it(`GridSample ${mode.replace('bi', '')} to opset 18`, () =>
      same({
        opset: 20,
        feeds: { x, grid },
        nodes: [node('GridSample', ['x', 'grid'], { mode: mode.replace(/^bi/, '') })],
        to: { opset: 18 },
      }));
  }
});

describe('normalization', () => {
  const channels = { s: sample(3), b: sample(3), m: sample(3), v: float32([3], [0.5, 1, 2]) };
  const batchNorm = ['x', 's', 'b', 'm', 'v'];

  for (const opset of [7, 9, 14]) {
    it(`BatchNormalization, opset ${opset}`, () =>
      same({
        opset,
        feeds: { x },
        initializers: channels,
        nodes: [
          node('BatchNormalization', batchNorm, {
            epsilon: float(0.01),
            ...(opset === 7 && { spatial: 1 }),
          }),
        ],
      }));
  }

  for (const opset of [7, 9, 13]) {
    it(`BatchNormalization in training, opset ${opset}`, () =>
      same({
        opset,
        feeds: { x },
        initializers: channels,
        nodes: [
          node('BatchNormalization', batchNorm, { momentum: float(0.8) }, [
            'y',
            'mean',
            'var',
            'saved_mean',
            'saved_var',
          ]),
        ],
        outputs: ['y', 'mean', 'var'],
      }));
  }

  it('BatchNormalization for each element', () =>
    same({
      opset: 8,
      feeds: { x },
      initializers: {
        s: sample(3, 4, 5),
        b: sample(3, 4, 5),
        m: sample(3, 4, 5),
        v: float32(
          [3, 4, 5],
          Array.from({ length: 60 }, (_, index) => 0.5 + index / 10),
        ),
      },
      nodes: [node('BatchNormalization', batchNorm, { spatial: 0 })],
    }));

  it('GroupNormalization, scale for each group', () =>
    same({
      opset: 18,
      feeds: { x: sample(2, 6, 4, 5) },
      initializers: { s: sample(3), b: sample(3) },
      nodes: [node('GroupNormalization', ['x', 's', 'b'], { num_groups: 3, epsilon: float(0.01) })],
      to: { opset: 21 },
    }));

  it('GroupNormalization, scale for each channel, to opset 18', () =>
    same({
      opset: 21,
      feeds: { x: sample(2, 6, 4, 5) },
      initializers: { s: sample(6), b: sample(6) },
      nodes: [node('GroupNormalization', ['x', 's', 'b'], { num_groups: 3, epsilon: float(0.01) })],
      to: { opset: 18 },
    }));

  for (const axis of [-1, -2, 1, 3]) {
    it(`RMSNormalization from axis ${axis}`, () =>
      same({
        opset: 23,
        feeds: { x },
        initializers: { s: sample(...x.dims.slice(axis)) },
        nodes: [node('RMSNormalization', ['x', 's'], { axis, epsilon: float(0.01) })],
      }));
  }
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

// What a rule refuses is in refusals.test.ts.
afterAll(() => {
  const missing = rules.filter(({ summary }) => !summary.startsWith('refused')).map(ruleName);
  expect(missing.filter((name) => !exercised.has(name))).toEqual([]);
});
