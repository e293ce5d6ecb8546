import { axisOf, floatOf, intOf, intsOf } from '../graph/index.ts';
import { batchGradient } from './batch-normalization.ts';
import { floats } from './constants.ts';
import { reshape, sumTo } from './emit.ts';
import { maths } from './maths.ts';
import { noGradient } from './refusal.ts';
import { BLOCKED } from './channel-rule.ts';
import { DATA, type Operator, plain, type Inputs } from './operator.ts';
import type { Tape } from './tape.ts';
import {
  batchChannels,
  groupChannels,
  instanceChannels,
  layerChannels,
} from './normalization-channels.ts';

const SCALE_AND_SHIFT: Inputs = { weights: [1, 2], shifts: [2] };

/**
 * y = s x̂ + b by channel. In training mode x̂ is over the batch, and the running statistics take no
 * gradient; else x̂ is by the statistics given.
 */
export const batchNormalization: Operator = {
  gradient: (t) => {
    if (t.dy[0] === undefined) return [];
    if (intOf(t.node, 'training_mode', 0) === 0) return frozen(t, t.dy[0]);
    return batchGradient(t);
  },
  channels: batchChannels,
  inputs: SCALE_AND_SHIFT,
  traits: {
    keepsChannels: true,
    normalizes: true,
    training: 'normalizes by its batch',
    image: 'channels first',
  },
};

/**
 * y = s (x - μ) / σ + b, σ = √(v + ε): dx = dy s / σ, ds = (Σ dy x - μ Σ dy) / σ, db = Σ dy,
 * dμ = -s / σ Σ dy, dv = -s ds / 2σ². The statistics are asked for where a file has one tensor for a
 * shift and a mean: PyTorch writes equal tensors once.
 */
function frozen(t: Tape, dy: string): (string | undefined)[] {
  const m = maths(t);
  const [x, scale, , mean, variance] = t.x as [string, string, string, string, string];
  const deviation = m.sqrt(m.add(variance, floatOf(t.node, 'epsilon', 1e-5)));
  const places = t.ints(axesOf(t, x).filter((axis) => axis !== 1));
  const total = (value: string) => t.op('ReduceSum', [value, places], { keepdims: 0 });
  const gain = () => m.div(scale, deviation);
  const byScale = () => m.div(m.sub(total(m.mul(dy, x)), m.mul(mean, total(dy))), deviation);
  const byVariance = () => m.div(m.mul(m.mul(scale, byScale()), -0.5), m.mul(deviation, deviation));
  return [
    t.wants(0) ? m.mul(dy, reshape(t, gain(), channelDims(t))) : undefined,
    t.wants(1) ? byScale() : undefined,
    t.wants(2) ? total(dy) : undefined,
    t.wants(3) ? m.neg(m.mul(gain(), total(dy))) : undefined,
    t.wants(4) ? byVariance() : undefined,
  ];
}

/** y = s x̂ + b, x̂ over the last axes */
export const layerNormalization: Operator = {
  gradient: (t) => {
    if (t.dy[1] !== undefined || t.dy[2] !== undefined) {
      noGradient(t.node, 'its mean or its deviation is used by itself');
    }
    const [x] = t.x as [string];
    const first = axisOf(intOf(t.node, 'axis', -1), t.dims(x).length);
    return affine(t, standard(t, x, axesOf(t, x).slice(first)), (value) => t.dims(value));
  },
  channels: layerChannels,
  inputs: SCALE_AND_SHIFT,
  traits: { keepsChannels: true, normalizes: true },
};

/** y = s x̂ + b by channel, x̂ over the places of each image and channel */
export const instanceNormalization: Operator = {
  gradient: (t) => {
    const [x] = t.x as [string];
    return affine(t, standard(t, x, axesOf(t, x).slice(2)), () => channelDims(t));
  },
  channels: instanceChannels,
  inputs: SCALE_AND_SHIFT,
  traits: { keepsChannels: true, normalizes: true, image: 'channels first' },
};

/** y = s x̂ + b by channel, x̂ over the places of each image and group of channels */
export const groupNormalization: Operator = {
  gradient: (t) => {
    const [x] = t.x as [string];
    const dims = t.dims(x);
    const grouped = [dims[0] as number, intOf(t.node, 'num_groups', 1), -1];
    const normal = standard(t, reshape(t, x, grouped), [2]);
    const whole: Normal = {
      value: () => reshape(t, normal.value(), dims),
      back: (gradient) => reshape(t, normal.back(reshape(t, gradient, grouped)), dims),
    };
    return affine(t, whole, () => channelDims(t));
  },
  channels: groupChannels,
  inputs: SCALE_AND_SHIFT,
  traits: { keepsChannels: true, normalizes: true },
};

/** y = x̂ over some axes, without ε */
export const meanVarianceNormalization = plain((t) => {
  const axes = intsOf(t.node, 'axes', [0, 2, 3]);
  return [standard(t, t.x[0] as string, axes, 0).back(t.dy[0] as string)];
});

/**
 * y = x d^-β, d = bias + α/size Σ x² over the channels near by: dx = dy d^-β - 2αβ/size x Σ dy y / d
 * over the channels that this one is near to.
 */
export const lrn: Operator = {
  gradient: (t) => {
    const m = maths(t);
    const [x, y, dy] = [t.x[0], t.y[0], t.dy[0]] as [string, string, string];
    const size = intOf(t.node, 'size', 1);
    const alpha = floatOf(t.node, 'alpha', 1e-4);
    const beta = floatOf(t.node, 'beta', 0.75);
    const before = Math.floor((size - 1) / 2);
    const after = size - 1 - before;
    const near = nearby(t, m.square(x), before, after);
    const d = m.add(floatOf(t.node, 'bias', 1), m.mul(alpha / size, near));
    const back = nearby(t, m.div(m.mul(dy, y), d), after, before);
    return [m.sub(m.mul(dy, m.pow(d, -beta)), m.mul(m.mul((2 * alpha * beta) / size, x), back))];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { keepsChannels: true },
};

/** y = x / n, n = Σ |x| or √Σ x²: dx = (dy - g Σ dy y) / n, g = dn/dx = sign x or y; 0 where n = 0 */
export const lpNormalization = plain((t) => {
  const m = maths(t);
  const [x, y, dy] = [t.x[0], t.y[0], t.dy[0]] as [string, string, string];
  const axis = t.ints([intOf(t.node, 'axis', -1)]);
  const byAbsolute = intOf(t.node, 'p', 2) === 1;
  const norm = t.op(byAbsolute ? 'ReduceL1' : 'ReduceL2', [x, axis], { keepdims: 1 });
  const along = t.op('ReduceSum', [m.mul(dy, y), axis], { keepdims: 1 });
  const slope = byAbsolute ? m.sign(x) : y;
  const dx = m.div(m.sub(dy, m.mul(slope, along)), norm);
  return [m.where(m.equal(norm, 0), 0, dx)];
});

/** A normalized value before scale and shift, made when asked for, and its gradient's way back. */
interface Normal {
  value(): string;
  back(gradient: string): string;
}

/** x̂ = (x - μ) / σ, σ = √(v + ε), over some axes: dx = (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂)) / σ */
function standard(
  t: Tape,
  x: string,
  axes: readonly number[],
  epsilon = floatOf(t.node, 'epsilon', 1e-5),
): Normal {
  const m = maths(t);
  const mean = (value: string) => t.op('ReduceMean', [value, t.ints(axes)], { keepdims: 1 });
  const centerd = m.sub(x, mean(x));
  const variance = mean(m.square(centerd));
  const deviation = m.sqrt(epsilon === 0 ? variance : m.add(variance, epsilon));
  const value = () => m.div(centerd, deviation);
  return {
    value,
    back: (gradient) => {
      const along = m.mul(value(), mean(m.mul(gradient, value())));
      return m.div(m.sub(m.sub(gradient, mean(gradient)), along), deviation);
    },
  };
}

/** y = s x̂ + b: dx̂ = dy s, ds = Σ dy x̂, db = Σ dy. `fit` gives dims that s and b broadcast by. */
function affine(
  t: Tape,
  normal: Normal,
  fit: (parameter: string) => readonly number[],
): (string | undefined)[] {
  const m = maths(t);
  const [x, scale, bias] = t.x as [string, string, string?];
  const dy = t.dy[0] as string;
  const summed = (gradient: string, to: string) =>
    shaped(t, sumTo(t, gradient, t.dims(x), fit(to)), fit(to), t.dims(to));
  return [
    t.wants(0) ? normal.back(m.mul(dy, shaped(t, scale, t.dims(scale), fit(scale)))) : undefined,
    t.wants(1) ? summed(m.mul(dy, normal.value()), scale) : undefined,
    bias && t.wants(2) ? summed(dy, bias) : undefined,
  ];
}

/** Dims by which one number for each channel broadcasts against x. */
function channelDims(t: Tape): number[] {
  const [, channels, ...places] = t.dims(t.x[0] as string) as [number, number, ...number[]];
  return [channels, ...places.map(() => 1)];
}

function shaped(t: Tape, value: string, from: readonly number[], to: readonly number[]): string {
  return from.join() === to.join() ? value : reshape(t, value, to);
}

function axesOf(t: Tape, value: string): number[] {
  return t.dims(value).map((_, axis) => axis);
}

/** Sums over the channels from `before` below to `after` above each. */
function nearby(t: Tape, value: string, before: number, after: number): string {
  const channels = t.dims(t.x[0] as string)[1] as number;
  const band = Array.from({ length: channels * channels }, (_, index) => {
    const apart = (index % channels) - Math.floor(index / channels);
    return apart >= -before && apart <= after ? 1 : 0;
  });
  const dims = t.dims(t.x[0] as string);
  const flat = reshape(t, value, [dims[0] as number, channels, -1]);
  const matrix = floats(t, [channels, channels], band);
  return reshape(t, t.op('MatMul', [matrix, flat]), dims);
}
