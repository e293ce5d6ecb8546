import { describe, expect, test, vi } from 'vitest';
import { Builder } from '../graph/index.ts';
import {
  type Attributes,
  float32,
  int64,
  type Node,
  sizeOf,
  type Tensor,
  type TensorOf,
} from '../onnx/index.ts';
import { modelOf, normal, testRuntime } from '../../test/helpers/gradcheck.ts';
import { type Channels, channelsAt } from './channel-rule.ts';
import { channelRuleOf } from './channels.ts';

interface Case {
  readonly op: string;
  readonly attributes?: Attributes | undefined;
  /** Values of the node's inputs; a constant is what `known` tells. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Which input has the units, and where. */
  readonly at?: number | undefined;
  readonly channels?: Channels | undefined;
  readonly constant?: readonly number[] | undefined;
}

const data = (...dims: number[]): TensorOf<'float32'> => {
  const { data } = normal(dims, dims.length + sizeOf(dims));
  // Off zero, so that a place that is zero was made zero.
  return float32(
    dims,
    data.map((value) => value + 0.3 * Math.sign(value)),
  );
};
const ints = (...values: number[]) => int64([values.length], values);
const scalar = (value: number) => float32([], [value]);
const scales = (...values: number[]) => float32([values.length], values);

async function outputOf(check: Case, inputs: Case['inputs']): Promise<TensorOf<'float32'>> {
  const b = new Builder();
  const names = inputs.map((tensor, index) => (tensor ? b.initializer(`in${index}`, tensor) : ''));
  const y = b.op(check.op, names, check.attributes);
  const session = await (
    await testRuntime()
  ).open(modelOf(b.build([{ name: y }])), {
    optimize: 'none',
  });
  const results = await session.run({});
  await session.dispose();
  return results[y] as TensorOf<'float32'>;
}

function nodeOf(check: Case): Node {
  return {
    op: check.op,
    domain: '',
    name: 'node',
    inputs: check.inputs.map((tensor, index) => (tensor ? `in${index}` : '')),
    outputs: ['y'],
    attributes: check.attributes ?? {},
  };
}

/** A tensor with zeros where an index along an axis is of the unit. */
function without(
  tensor: Tensor,
  { axis, unit }: { axis: number; unit: Int32Array },
  which: number,
): TensorOf<'float32'> {
  const values = Float32Array.from(tensor.data as Float32Array);
  return float32(
    tensor.dims,
    values.map((value, index) => (belongs(index, tensor.dims, axis, unit) === which ? 0 : value)),
  );
}

function belongs(index: number, dims: readonly number[], axis: number, unit: Int32Array) {
  const inner = sizeOf(dims.slice(axis + 1));
  return unit[Math.floor(index / inner) % (dims[axis] as number)];
}

function setup(check: Case, y: Tensor) {
  const node = nodeOf(check);
  const at = check.at ?? 0;
  const channels = check.channels ?? channelsAt(1, (check.inputs[at] as Tensor).dims[1] as number);
  const tensors = new Map(node.inputs.map((name, index) => [name, check.inputs[index]]));
  const dims = (name: string) => (name === 'y' ? y.dims : (tensors.get(name)?.dims ?? []));
  const constant = check.constant ?? [1, 2, 3, 4, 5, 6];
  const known = (name: string) => {
    const index = node.inputs.indexOf(name);
    return constant.includes(index) ? tensors.get(name) : undefined;
  };
  return { node, at, channels, dims, known };
}

const units = (unit: Int32Array) => [...new Set(unit)].filter((each) => each >= 0);

/** Zeroes each unit of the input and looks which places of the output change, and to what. */
async function checkPassage(check: Case): Promise<'zero' | 'not zero' | 'mix'> {
  const y = await outputOf(check, check.inputs);
  const { node, at, channels, dims, known } = setup(check, y);
  const passage = channelRuleOf(node).passage(node, at, channels, dims, known);
  if (passage.kind === 'opaque') throw new Error(`opaque: ${passage.why}`);
  for (const which of units(channels.unit)) {
    const changed = check.inputs.map((tensor, index) =>
      tensor && index === at ? without(tensor, channels, which) : tensor,
    );
    const z = await outputOf(check, changed);
    if (passage.kind === 'mix') {
      const { input, axis, unit } = passage.weights;
      const cut = check.inputs.map((tensor, index) =>
        tensor && index === input ? without(tensor, { axis, unit }, which) : tensor,
      );
      close(await outputOf(check, cut), z);
      continue;
    }
    expect(passage.channels.unit.length).toBe(y.dims[passage.channels.axis]);
    let touched = 0;
    for (const [index, value] of z.data.entries()) {
      const own = belongs(index, y.dims, passage.channels.axis, passage.channels.unit) === which;
      if (!own) expect(value).toBeCloseTo(y.data[index] as number, 5);
      else {
        touched += 1;
        if (passage.zero) expect(Math.abs(value)).toBe(0);
      }
    }
    expect(touched).toBeGreaterThan(0);
  }
  return passage.kind === 'mix' ? 'mix' : passage.zero ? 'zero' : 'not zero';
}

/** Does what `silence` says for each unit of the output: its places and no others become zero. */
async function checkSilence(check: Case, channels: Channels): Promise<void> {
  const y = await outputOf(check, check.inputs);
  const { node, dims, known } = setup(check, y);
  const silence = channelRuleOf(node).silence(node, channels, dims, known);
  if (silence.kind === 'opaque') throw new Error(`opaque: ${silence.why}`);
  expect(silence.parameters.length + silence.inputs.length).toBeGreaterThan(0);
  for (const which of units(channels.unit)) {
    const cut = [...check.inputs];
    for (const slices of silence.parameters) {
      const tensor = cut[slices.input];
      if (tensor) cut[slices.input] = without(tensor, slices, which);
    }
    for (const { index, channels } of silence.inputs) {
      cut[index] = without(cut[index] as Tensor, channels, which);
    }
    const z = await outputOf(check, cut);
    for (const [index, value] of z.data.entries()) {
      if (belongs(index, y.dims, channels.axis, channels.unit) === which) {
        expect(Math.abs(value)).toBe(0);
      } else expect(value).toBeCloseTo(y.data[index] as number, 5);
    }
  }
}

function close(actual: TensorOf<'float32'>, expected: TensorOf<'float32'>): void {
  expect(actual.dims).toEqual(expected.dims);
  actual.data.forEach((value, index) =>
    expect(value).toBeCloseTo(expected.data[index] as number, 4),
  );
}

const image = data(2, 3, 4, 4);
const norm = [data(3), data(3)];
const at = (axis: number, ...unit: number[]): Channels => ({ axis, unit: Int32Array.from(unit) });

const PASSING: [string, 'zero' | 'not zero' | 'mix', Case][] = [
  ...[
    'Abs',
    'Asinh',
    'Atan',
    'Ceil',
    'Celu',
    'Elu',
    'Erf',
    'Floor',
    'Gelu',
    'HardSwish',
    'Identity',
    'LeakyRelu',
    'Mish',
    'Neg',
    'Relu',
    'Round',
    'Selu',
    'Sign',
    'Sin',
    'Sinh',
    'Softsign',
    'Tan',
    'Tanh',
    'ThresholdedRelu',
  ].map((op): [string, 'zero', Case] => [op, 'zero', { op, inputs: [image] }]),
  ...['Cos', 'Cosh', 'Exp', 'HardSigmoid', 'Sigmoid', 'Softplus'].map(
    (op): [string, 'not zero', Case] => [op, 'not zero', { op, inputs: [image] }],
  ),
  ['Cast', 'zero', { op: 'Cast', attributes: { to: 1 }, inputs: [image] }],
  ['PRelu', 'zero', { op: 'PRelu', inputs: [image, data(3, 1, 1)] }],
  ['Clip as Relu6', 'zero', { op: 'Clip', inputs: [image, scalar(0), scalar(6)] }],
  ['Clip without bounds', 'zero', { op: 'Clip', inputs: [image] }],
  ['Clip above zero', 'not zero', { op: 'Clip', inputs: [image, scalar(0.1)] }],
  [
    'Clip by what is not known',
    'not zero',
    { op: 'Clip', inputs: [image, scalar(0)], constant: [] },
  ],
  ['Add', 'not zero', { op: 'Add', inputs: [image, image] }],
  ['Sub', 'not zero', { op: 'Sub', inputs: [image, data(3, 1, 1)] }],
  ['Mul', 'zero', { op: 'Mul', inputs: [image, data(2, 3, 1, 1)] }],
  ['Mul, its gate', 'zero', { op: 'Mul', inputs: [image, data(2, 3, 1, 1)], at: 1 }],
  ['Div', 'zero', { op: 'Div', inputs: [image, data(3, 1, 1)] }],
  [
    'BatchNormalization',
    'not zero',
    { op: 'BatchNormalization', inputs: [image, ...norm, data(3), scales(1, 2, 3)] },
  ],
  ['InstanceNormalization', 'not zero', { op: 'InstanceNormalization', inputs: [image, ...norm] }],
  [
    'LayerNormalization after the units',
    'not zero',
    { op: 'LayerNormalization', attributes: { axis: 2 }, inputs: [image, data(4, 4), data(4, 4)] },
  ],
  [
    'LayerNormalization without a shift',
    'zero',
    { op: 'LayerNormalization', attributes: { axis: 2 }, inputs: [image, data(4, 4)] },
  ],
  [
    'MaxPool',
    'zero',
    { op: 'MaxPool', attributes: { kernel_shape: [2, 2], pads: [1, 1, 1, 1] }, inputs: [image] },
  ],
  ['LpPool', 'zero', { op: 'LpPool', attributes: { kernel_shape: [2, 2] }, inputs: [image] }],
  ['GlobalLpPool', 'zero', { op: 'GlobalLpPool', inputs: [image] }],
  ['GlobalMaxPool', 'zero', { op: 'GlobalMaxPool', inputs: [image] }],
  ['ReduceMean over places', 'zero', { op: 'ReduceMean', inputs: [image, ints(2, -1)] }],
  [
    'ReduceMax without keepdims',
    'zero',
    { op: 'ReduceMax', attributes: { keepdims: 0 }, inputs: [image, ints(2, 3)] },
  ],
  [
    'ReduceSum of the batch, without keepdims',
    'zero',
    { op: 'ReduceSum', attributes: { keepdims: 0 }, inputs: [image, ints(0)] },
  ],
  ['ReduceL2', 'zero', { op: 'ReduceL2', inputs: [image, ints(2)] }],
  ['ReduceLogSumExp', 'not zero', { op: 'ReduceLogSumExp', inputs: [image, ints(2)] }],
  [
    'ReduceSum that does nothing',
    'zero',
    { op: 'ReduceSum', attributes: { noop_with_empty_axes: 1 }, inputs: [image] },
  ],
  ['ConvTranspose', 'mix', { op: 'ConvTranspose', inputs: [image, data(3, 2, 2, 2), data(2)] }],
  [
    'ConvTranspose in groups',
    'mix',
    {
      op: 'ConvTranspose',
      attributes: { group: 2 },
      inputs: [data(1, 4, 3, 3), data(4, 3, 2, 2), data(6)],
    },
  ],
  ['Conv', 'mix', { op: 'Conv', inputs: [image, data(2, 3, 2, 2), data(2)] }],
  [
    'Conv of each channel',
    'zero',
    { op: 'Conv', attributes: { group: 3 }, inputs: [image, data(6, 1, 2, 2)] },
  ],
  [
    'Conv of each channel, with a bias',
    'not zero',
    { op: 'Conv', attributes: { group: 3 }, inputs: [image, data(3, 1, 2, 2), data(3)] },
  ],
  [
    'Gemm',
    'mix',
    { op: 'Gemm', attributes: { transB: 1 }, inputs: [data(2, 4), data(3, 4), data(3)] },
  ],
  [
    'MatMul',
    'mix',
    { op: 'MatMul', inputs: [data(2, 2, 4), data(4, 3)], channels: channelsAt(2, 4) },
  ],
  ['Slice of places', 'zero', { op: 'Slice', inputs: [image, ints(1), ints(3), ints(2)] }],
  [
    'Slice of units backwards',
    'zero',
    {
      op: 'Slice',
      inputs: [data(2, 6, 2), ints(4), ints(-100), ints(1), ints(-2)],
      channels: at(1, 0, 0, 1, 1, 2, -1),
    },
  ],
  [
    'Slice without axes',
    'zero',
    {
      op: 'Slice',
      inputs: [data(2, 6, 2), ints(0, 2), ints(2, 5)],
      channels: at(1, -1, -1, 0, 1, 2, -1),
    },
  ],
  [
    'Split with one output',
    'zero',
    { op: 'Split', attributes: { axis: 1, num_outputs: 1 }, inputs: [image] },
  ],
  ['Pad of places', 'zero', { op: 'Pad', inputs: [image, ints(0, 0, 1, 1, 0, 0, 1, -1)] }],
  [
    'Pad of places with reflections',
    'zero',
    { op: 'Pad', attributes: { mode: 'reflect' }, inputs: [image, ints(0, 0, 1, 1, 0, 0, 1, 1)] },
  ],
  [
    'Pad of places with a constant',
    'not zero',
    { op: 'Pad', inputs: [image, ints(0, 0, 1, 1, 0, 0, 1, 1), scalar(3)] },
  ],
  ['Pad of units', 'zero', { op: 'Pad', inputs: [image, ints(1, 1), undefined, ints(1)] }],
  [
    'Pad that shifts units',
    'zero',
    { op: 'Pad', inputs: [image, ints(1, -1), undefined, ints(1)], channels: at(1, 0, 1, -1) },
  ],
  [
    'Resize',
    'zero',
    {
      op: 'Resize',
      attributes: { mode: 'linear' },
      inputs: [image, undefined, scales(1, 1, 2, 2)],
    },
  ],
  [
    'Resize to sizes',
    'zero',
    { op: 'Resize', inputs: [image, undefined, undefined, ints(2, 3, 6, 2)] },
  ],
  [
    'Resize of axes',
    'zero',
    { op: 'Resize', attributes: { axes: [2, 3] }, inputs: [image, undefined, scales(0.5, 2)] },
  ],
  ['SpaceToDepth', 'zero', { op: 'SpaceToDepth', attributes: { blocksize: 2 }, inputs: [image] }],
  [
    'DepthToSpace of whole blocks',
    'zero',
    {
      op: 'DepthToSpace',
      attributes: { blocksize: 2 },
      inputs: [data(1, 8, 2, 2)],
      channels: at(1, 0, 1, 0, 1, 0, 1, 0, 1),
    },
  ],
  [
    'DepthToSpace CRD of whole blocks',
    'zero',
    {
      op: 'DepthToSpace',
      attributes: { blocksize: 2, mode: 'CRD' },
      inputs: [data(1, 8, 2, 2)],
      channels: at(1, 0, 0, 0, 0, 1, 1, 1, 1),
    },
  ],
  ['Transpose', 'zero', { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] }, inputs: [image] }],
  [
    'Concat',
    'zero',
    { op: 'Concat', attributes: { axis: 1 }, inputs: [data(2, 2, 3), data(2, 3, 3)], at: 1 },
  ],
  ['Flatten', 'zero', { op: 'Flatten', inputs: [image] }],
];

describe('where a rule lets units pass, a unit of zero touches its places only', () => {
  test.each(PASSING)('%s: %s', async (_, expected, check) => {
    expect(await checkPassage(check)).toBe(expected);
  });
});

const SILENT: [string, Case, Channels][] = [
  [
    'InstanceNormalization',
    { op: 'InstanceNormalization', inputs: [image, ...norm] },
    channelsAt(1, 3),
  ],
  [
    'GroupNormalization',
    {
      op: 'GroupNormalization',
      attributes: { num_groups: 2 },
      inputs: [data(2, 4, 3), data(4), data(4)],
    },
    channelsAt(1, 4),
  ],
  [
    'LayerNormalization',
    {
      op: 'LayerNormalization',
      attributes: { axis: -1 },
      inputs: [data(2, 3, 4), data(4), data(4)],
    },
    channelsAt(2, 4),
  ],
  [
    'LayerNormalization of two axes',
    { op: 'LayerNormalization', attributes: { axis: 1 }, inputs: [data(2, 3, 4), data(3, 4)] },
    channelsAt(1, 3),
  ],
  [
    'BatchNormalization',
    { op: 'BatchNormalization', inputs: [image, ...norm, data(3), scales(1, 2, 3)] },
    channelsAt(1, 3),
  ],
  [
    'ConvTranspose',
    { op: 'ConvTranspose', inputs: [image, data(3, 2, 2, 2), data(2)] },
    channelsAt(1, 2),
  ],
  [
    'ConvTranspose of each channel',
    {
      op: 'ConvTranspose',
      attributes: { group: 2 },
      inputs: [data(1, 4, 3, 3), data(4, 1, 2, 2), data(2)],
    },
    channelsAt(1, 2),
  ],
  [
    'Conv in groups',
    { op: 'Conv', attributes: { group: 2 }, inputs: [data(1, 4, 3, 3), data(4, 2, 2, 2), data(4)] },
    channelsAt(1, 4),
  ],
  ['Gemm', { op: 'Gemm', inputs: [data(2, 4), data(4, 3), data(1, 3)] }, channelsAt(1, 3)],
  [
    'Mul of x and its gate',
    { op: 'Mul', inputs: [data(2, 3, 1, 1), image], constant: [] },
    channelsAt(1, 3),
  ],
  [
    'Mul by a constant of each unit',
    { op: 'Mul', inputs: [image, data(3, 1, 1)] },
    channelsAt(1, 3),
  ],
  ['Sub', { op: 'Sub', inputs: [image, data(3, 1, 1)] }, channelsAt(1, 3)],
  ['Div', { op: 'Div', inputs: [image, data(3, 1, 1)] }, channelsAt(1, 3)],
  ['Clip', { op: 'Clip', inputs: [image, scalar(0), scalar(6)] }, channelsAt(1, 3)],
  [
    'ReduceMean without keepdims',
    { op: 'ReduceMean', attributes: { keepdims: 0 }, inputs: [image, ints(0, 3)] },
    channelsAt(0, 3),
  ],
  [
    'Slice of units',
    { op: 'Slice', inputs: [image, ints(2), ints(0), ints(1), ints(-1)] },
    channelsAt(1, 2),
  ],
  ['Pad', { op: 'Pad', inputs: [image, ints(0, 0, 1, 1, 0, 0, 1, 1)] }, channelsAt(1, 3)],
  [
    'Pad of units',
    { op: 'Pad', inputs: [image, ints(1, 0), undefined, ints(1)] },
    at(1, -1, 0, 1, 2),
  ],
  ['Resize', { op: 'Resize', inputs: [image, undefined, scales(1, 1, 2, 2)] }, channelsAt(1, 3)],
  [
    'SpaceToDepth of whole blocks',
    { op: 'SpaceToDepth', attributes: { blocksize: 2 }, inputs: [data(1, 2, 2, 4)] },
    at(1, 0, 1, 0, 1, 0, 1, 0, 1),
  ],
  [
    'DepthToSpace',
    { op: 'DepthToSpace', attributes: { blocksize: 2 }, inputs: [data(1, 8, 2, 2)] },
    channelsAt(1, 2),
  ],
  [
    'DepthToSpace CRD',
    { op: 'DepthToSpace', attributes: { blocksize: 2, mode: 'CRD' }, inputs: [data(1, 8, 2, 2)] },
    channelsAt(1, 2),
  ],
];

describe('what a rule says silences a unit makes its places zero, and no others', () => {
  test.each(SILENT)('%s', async (_, check, channels) => {
    await checkSilence(check, channels);
  });
});

const OPAQUE: [string, Case][] = [
  [
    'GroupNormalization',
    { op: 'GroupNormalization', attributes: { num_groups: 1 }, inputs: [image, ...norm] },
  ],
  [
    'LayerNormalization',
    { op: 'LayerNormalization', attributes: { axis: 1 }, inputs: [image, data(3, 4, 4)] },
  ],
  ['LRN', { op: 'LRN', attributes: { size: 3 }, inputs: [image] }],
  [
    'DepthToSpace',
    { op: 'DepthToSpace', attributes: { blocksize: 2 }, inputs: [data(1, 8, 2, 2)] },
  ],
  ['ReduceMean over the units', { op: 'ReduceMean', inputs: [image, ints(1)] }],
  [
    'ReduceMean of axes that are not known',
    { op: 'ReduceMean', inputs: [image, ints(2)], constant: [] },
  ],
  [
    'Resize by a scale that keeps the size',
    {
      op: 'Resize',

      inputs: [image, undefined, scales(1, 1.1, 2, 2)],
    },
  ],
  [
    'Pad of units with reflections',
    { op: 'Pad', attributes: { mode: 'reflect' }, inputs: [image, ints(1, 0), undefined, ints(1)] },
  ],
  [
    'Slice of a range that is not known',
    { op: 'Slice', inputs: [image, ints(1), ints(3), ints(2)], constant: [] },
  ],
  ['Div by the units', { op: 'Div', inputs: [data(1, 1, 1), image], at: 1 }],
];

describe('what mixes units is refused', () => {
  test.each(OPAQUE)('%s', async (_, check) => {
    await expect(checkPassage(check)).rejects.toThrow(/^opaque: /);
  });

  test('a Split of several outputs', () => {
    const node = {
      ...nodeOf({ op: 'Split', attributes: { axis: 1 }, inputs: [image] }),
      outputs: ['y', 'z'],
    };
    const rule = channelRuleOf(node);
    expect(rule.passage(node, 0, channelsAt(1, 3), () => [2, 3, 4, 4]).kind).toBe('opaque');
    expect(rule.silence(node, channelsAt(1, 3), () => [2, 3, 4, 4]).kind).toBe('opaque');
  });
});

test('the checks fail on a rule that is wrong', async () => {
  const check: Case = { op: 'Sigmoid', inputs: [image] };
  const rule = channelRuleOf(nodeOf(check));
  const passage = vi.spyOn(rule, 'passage');
  const says = (channels: Channels, zero: boolean) =>
    passage.mockReturnValue({ kind: 'pass', channels, zero });
  says(channelsAt(1, 3), false);
  await expect(checkPassage(check)).resolves.toBe('not zero');
  says(channelsAt(1, 3), true);
  await expect(checkPassage(check)).rejects.toThrow();
  says(at(1, 0, 2, 1), false);
  await expect(checkPassage(check)).rejects.toThrow();
  passage.mockRestore();

  const all = { index: 0, channels: at(1, 0, 0, 1) };
  const silence = vi.spyOn(channelRuleOf(nodeOf({ ...check, op: 'Relu' })), 'silence');
  silence.mockReturnValue({ kind: 'silence', parameters: [], inputs: [all] });
  await expect(checkSilence({ ...check, op: 'Relu' }, channelsAt(1, 3))).rejects.toThrow();
  silence.mockRestore();
});
