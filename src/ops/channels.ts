import { axisOf, intOf, intsOf } from '../graph/index.ts';
import { sizeOf, type Node } from '../onnx/index.ts';
import { opaque } from './channel-answers.ts';
import * as layers from './channel-layers.ts';
import * as places from './channel-places.ts';
import type { ChannelRule, Channels, ParameterSlices, Passage, DimsOf } from './channel-rule.ts';

export type * from './channel-rule.ts';

/** Consecutive runs of `block` indices for each unit. */
export function channelsAt(axis: number, units: number, block = 1): Channels {
  return {
    axis,
    unit: Int32Array.from({ length: units * block }, (_, i) => Math.floor(i / block)),
  };
}

/** f(x) by element, or by window of a channel; `zero` where f(0) = 0. */
const bySelf = (zero: boolean): ChannelRule => ({
  about: zero ? 'each by itself' : 'each by itself; zero does not stay zero',
  passage: (_node, index, channels) =>
    index === 0 ? { kind: 'pass', channels, zero } : opaque('the units are a parameter here'),
  silence: (node, channels) =>
    zero
      ? { kind: 'silence', parameters: [], inputs: [{ index: 0, channels }] }
      : opaque(`${node.op} of zero is not zero`),
});

/** A pooling or the like that keeps channels apart only along axis 1. */
const byWindow: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims) =>
    channels.axis === 1
      ? bySelf(true).passage(node, index, channels, dims)
      : opaque(`${node.op} pools over the channel axis`),
  silence: (node, channels, dims) =>
    channels.axis === 1
      ? bySelf(true).silence(node, channels, dims)
      : opaque(`${node.op} pools over the channel axis`),
};

const reshaping: ChannelRule = {
  about: 'one becomes several indices, or several one',
  passage: (node, index, channels, dims) => {
    if (index !== 0) return opaque('the units decide a shape here');
    const mapped = throughReshape(
      channels,
      dims(node.inputs[0] as string),
      dims(node.outputs[0] as string),
    );
    return mapped
      ? { kind: 'pass', channels: mapped, zero: true }
      : opaque(`${node.op} mixes the channel axis`);
  },
  silence: (node, channels, dims) => {
    const [from, to] = [dims(node.outputs[0] as string), dims(node.inputs[0] as string)];
    const mapped = throughReshape(channels, from, to) ?? backThroughReshape(channels, from, to);
    return mapped
      ? { kind: 'silence', parameters: [], inputs: [{ index: 0, channels: mapped }] }
      : opaque(`${node.op} mixes the channel axis`);
  },
};

/**
 * Where the units lie after a reshape. Axes before the channel axis must stay as they are, up to one
 * axis of the result which holds the channels and, before or after them, whole axes merged with it.
 */
export function throughReshape(
  channels: Channels,
  from: readonly number[],
  to: readonly number[],
): Channels | undefined {
  const inner = sizeOf(from.slice(channels.axis + 1));
  const width = from[channels.axis] as number;
  for (const [axis, size] of to.entries()) {
    // Axis 0 is the batch, which has another length in the next run.
    if (axis === 0) continue;
    const after = sizeOf(to.slice(axis + 1));
    // Index i of this axis holds elements [i * after, (i + 1) * after) of a run of size * after.
    const run = size * after;
    if (inner % after !== 0 || run % (width * inner) !== 0) continue;
    const unit = Int32Array.from(
      { length: size },
      (_, i) => channels.unit[Math.floor((i * after) / inner) % width] as number,
    );
    return { axis, unit };
  }
  return undefined;
}

/** The axis before a reshape of which each index holds places of one unit, such as before a Flatten. */
function backThroughReshape(
  channels: Channels,
  from: readonly number[],
  to: readonly number[],
): Channels | undefined {
  const inner = sizeOf(from.slice(channels.axis + 1));
  for (const [axis, size] of to.entries()) {
    if (axis === 0) continue;
    const after = sizeOf(to.slice(axis + 1));
    const unit = Int32Array.from(
      { length: size },
      (_, i) => channels.unit[Math.floor((i * after) / inner) % channels.unit.length] as number,
    );
    const again = throughReshape({ axis, unit }, to, from);
    const same =
      again?.axis === channels.axis &&
      again.unit.every((each, place) => each === channels.unit[place]);
    if (same) return { axis, unit };
  }
  return undefined;
}

const transposing: ChannelRule = {
  about: 'on another axis',
  passage: (node, _index, channels, dims) => {
    const perm = permOf(node, dims);
    return {
      kind: 'pass',
      channels: { axis: perm.indexOf(channels.axis), unit: channels.unit },
      zero: true,
    };
  },
  silence: (node, channels, dims) => ({
    kind: 'silence',
    parameters: [],
    inputs: [
      {
        index: 0,
        channels: { axis: permOf(node, dims)[channels.axis] as number, unit: channels.unit },
      },
    ],
  }),
};

function permOf(node: Node, dims: DimsOf): readonly number[] {
  const rank = dims(node.inputs[0] as string).length;
  return intsOf(
    node,
    'perm',
    Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  );
}

const conv: ChannelRule = {
  about: 'summed by weights; depthwise: each by itself',
  passage: (node, index, channels, dims) => {
    if (index !== 0) return opaque('the units are a parameter here');
    if (channels.axis !== 1) return opaque('Conv slides along the channel axis');
    const [units, perGroup] = dims(node.inputs[1] as string) as [number, number];
    const groups = intOf(node, 'group', 1);
    if (groups === 1) {
      return { kind: 'mix', linear: true, weights: { input: 1, axis: 1, unit: channels.unit } };
    }
    if (perGroup === 1) {
      const each = units / groups;
      const unit = Int32Array.from(
        { length: units },
        (_, i) => channels.unit[Math.floor(i / each)] as number,
      );
      return { kind: 'pass', channels: { axis: 1, unit }, zero: !node.inputs[2] };
    }
    // Weights [units, perGroup, ...]: where the same column means another unit in each group, the
    // slice is not along one axis.
    return opaque('a grouped Conv reads each unit by part of its weights');
  },
  silence: (_node, channels) =>
    channels.axis === 1
      ? { kind: 'silence', parameters: both(channels.unit), inputs: [] }
      : opaque('Conv has its units on axis 1'),
};

const both = (unit: Int32Array): ParameterSlices[] => [
  { input: 1, axis: 0, unit },
  { input: 2, axis: 0, unit },
];

const gemm: ChannelRule = {
  about: 'summed by weights',
  passage: (node, index, channels) => {
    const transA = intOf(node, 'transA', 0);
    const transB = intOf(node, 'transB', 0);
    if (index !== 0 || transA !== 0 || channels.axis !== 1) {
      return opaque('Gemm has the units where its weights or rows are');
    }
    return {
      kind: 'mix',
      linear: true,
      weights: { input: 1, axis: transB ? 1 : 0, unit: channels.unit },
    };
  },
  silence: (node, { axis, unit }, dims) => {
    if (axis !== 1) return opaque('Gemm has its units on axis 1');
    const bias = node.inputs[2];
    const transB = intOf(node, 'transB', 0);
    return {
      kind: 'silence',
      parameters: [
        { input: 1, axis: transB ? 0 : 1, unit },
        ...(bias ? [{ input: 2, axis: dims(bias).length - 1, unit }] : []),
      ],
      inputs: [],
    };
  },
};

const matMul: ChannelRule = {
  about: 'summed by weights',
  passage: (node, index, channels, dims) => {
    const rank = dims(node.inputs[0] as string).length;
    const weights = dims(node.inputs[1] as string).length;
    return index === 0 && channels.axis === rank - 1 && weights === 2
      ? { kind: 'mix', linear: true, weights: { input: 1, axis: 0, unit: channels.unit } }
      : opaque('MatMul has the units where its weights or rows are');
  },
  silence: (node, { axis, unit }, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    return axis === rank - 1 && dims(node.inputs[1] as string).length === 2
      ? { kind: 'silence', parameters: [{ input: 1, axis: 1, unit }], inputs: [] }
      : opaque('MatMul has its units on the last axis');
  },
};

/** y = scale (x − mean) / √(var + ε) + shift: zero scale and shift make zero, whatever x is. */
const batchNormalization: ChannelRule = {
  about: 'each by itself; zero does not stay zero',
  passage: (_node, index, channels) =>
    index === 0 && channels.axis === 1
      ? { kind: 'pass', channels, zero: false }
      : opaque('the units are not on axis 1 of what is normalized'),
  silence: (_node, { axis, unit }) =>
    axis === 1
      ? { kind: 'silence', parameters: both(unit), inputs: [] }
      : opaque('BatchNormalization has its units on axis 1'),
};

/** Operands of the same channels: all must be zero for the output to be. */
const addition: ChannelRule = {
  about: 'with the same unit of the other operand',
  passage: (node, index, channels, dims) => throughBroadcast(node, index, channels, dims, false),
  silence: (node, channels, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    const inputs = node.inputs.map((input, index) => {
      const own = dims(input);
      const axis = channels.axis - (rank - own.length);
      return { index, axis, size: own[axis] };
    });
    return inputs.every(({ size }) => size === channels.unit.length)
      ? {
          kind: 'silence',
          parameters: [],
          inputs: inputs.map(({ index, axis }) => ({
            index,
            channels: { axis, unit: channels.unit },
          })),
        }
      : opaque(`${node.op} spreads one value over the units`);
  },
};

/**
 * One operand of zero is enough: a constant one, a scale of each unit, else the larger, so that x and
 * not its gate is chosen of a gated x, else the first.
 */
const product: ChannelRule = {
  about: 'each by itself',
  passage: (node, index, channels, dims) => throughBroadcast(node, index, channels, dims, true),
  silence: (node, channels, dims, known) => {
    const rank = dims(node.outputs[0] as string).length;
    const operands = node.inputs.flatMap((input, index) => {
      const own = dims(input);
      const axis = channels.axis - (rank - own.length);
      const order = known?.(input) ? Infinity : sizeOf(own);
      return own[axis] === channels.unit.length ? [{ index, axis, order }] : [];
    });
    const [chosen] = operands.toSorted((a, b) => b.order - a.order || a.index - b.index);
    return chosen
      ? {
          kind: 'silence',
          parameters: [],
          inputs: [{ index: chosen.index, channels: { axis: chosen.axis, unit: channels.unit } }],
        }
      : opaque(`${node.op} spreads its operands over the units`);
  },
};

function throughBroadcast(
  node: Node,
  index: number,
  channels: Channels,
  dims: DimsOf,
  zero: boolean,
): Passage {
  const rank = dims(node.outputs[0] as string).length;
  const own = dims(node.inputs[index] as string);
  const axis = channels.axis + rank - own.length;
  return dims(node.outputs[0] as string)[axis] === channels.unit.length
    ? { kind: 'pass', channels: { axis, unit: channels.unit }, zero }
    : opaque(`${node.op} spreads the channel axis`);
}

const concat: ChannelRule = {
  about: 'among those of the other operands',
  passage: (node, index, channels, dims) => {
    const out = dims(node.outputs[0] as string);
    const axis = axisOf(intOf(node, 'axis', 0), out.length);
    if (axis !== channels.axis) return opaque('Concat joins along another axis than the channels');
    const unit = new Int32Array(out[axis] as number).fill(-1);
    const start = node.inputs
      .slice(0, index)
      .reduce((total, input) => total + (dims(input)[axis] as number), 0);
    unit.set(channels.unit, start);
    return { kind: 'pass', channels: { axis, unit }, zero: true };
  },
  silence: (node, channels, dims) => {
    const axis = axisOf(intOf(node, 'axis', 0), dims(node.outputs[0] as string).length);
    if (axis !== channels.axis) return opaque('Concat joins along another axis than the channels');
    let start = 0;
    const inputs = node.inputs.map((input, index) => {
      const size = dims(input)[axis] as number;
      const unit = channels.unit.slice(start, (start += size));
      return { index, channels: { axis, unit } };
    });
    return { kind: 'silence', parameters: [], inputs };
  },
};

/** How units pass through each operator; what is not listed lets none through. */
export const channelRules: Readonly<Record<string, ChannelRule>> = {
  Abs: bySelf(true),
  Add: addition,
  Asin: bySelf(true),
  Asinh: bySelf(true),
  Atan: bySelf(true),
  Atanh: bySelf(true),
  AveragePool: byWindow,
  BatchNormalization: batchNormalization,
  Cast: bySelf(true),
  CastLike: bySelf(true),
  Ceil: bySelf(true),
  Celu: bySelf(true),
  Clip: layers.clip,
  Concat: concat,
  Conv: conv,
  ConvTranspose: layers.convTranspose,
  Cos: bySelf(false),
  Cosh: bySelf(false),
  DepthToSpace: places.depthToSpace,
  Div: layers.division,
  Dropout: bySelf(true),
  Elu: bySelf(true),
  Erf: bySelf(true),
  Exp: bySelf(false),
  Flatten: reshaping,
  Floor: bySelf(true),
  Gelu: bySelf(true),
  Gemm: gemm,
  GlobalAveragePool: byWindow,
  GlobalLpPool: byWindow,
  GlobalMaxPool: byWindow,
  GroupNormalization: layers.groupNormalization,
  HardSigmoid: bySelf(false),
  HardSwish: bySelf(true),
  Identity: bySelf(true),
  InstanceNormalization: layers.instanceNormalization,
  LayerNormalization: layers.layerNormalization,
  LeakyRelu: bySelf(true),
  LpPool: byWindow,
  MatMul: matMul,
  MaxPool: byWindow,
  Mish: bySelf(true),
  Mul: product,
  Neg: bySelf(true),
  PRelu: bySelf(true),
  Pad: places.padding,
  ReduceL1: layers.reduction(true),
  ReduceL2: layers.reduction(true),
  ReduceLogSumExp: layers.reduction(false),
  ReduceMax: layers.reduction(true),
  ReduceMean: layers.reduction(true),
  ReduceMin: layers.reduction(true),
  ReduceSum: layers.reduction(true),
  ReduceSumSquare: layers.reduction(true),
  Relu: bySelf(true),
  Reshape: reshaping,
  Resize: places.resizing,
  Round: bySelf(true),
  Selu: bySelf(true),
  Sigmoid: bySelf(false),
  Sign: bySelf(true),
  Sin: bySelf(true),
  Sinh: bySelf(true),
  Slice: places.slicing,
  Softplus: bySelf(false),
  Softsign: bySelf(true),
  SpaceToDepth: places.spaceToDepth,
  Split: places.slicing,
  Sqrt: bySelf(true),
  Squeeze: reshaping,
  Sub: addition,
  Sum: addition,
  Tan: bySelf(true),
  Tanh: bySelf(true),
  ThresholdedRelu: bySelf(true),
  Transpose: transposing,
  Unsqueeze: reshaping,
};

const unknown: ChannelRule = {
  about: 'none passes',
  passage: (node) => opaque(`${node.op} has no channel rule`),
  silence: (node) => opaque(`${node.op} has no channel rule`),
};

export function channelRuleOf(node: Node): ChannelRule {
  return (node.domain === '' && channelRules[node.op]) || unknown;
}
