import { floatOf } from '../graph/index.ts';
import { sizeOf } from '../onnx/index.ts';
import { floats } from './constants.ts';
import { type Emit, reshape, slice } from './emit.ts';
import { maths } from './maths.ts';
import type { Tape } from './tape.ts';

/**
 * y = s x̂ + b, x̂ = (x - μ) / σ over the batch: ds = Σ dy x̂, db = Σ dy, and
 * dx = s/σ (dy - (db + x̂ ds) / n).
 *
 * What scales and shifts by channel is a BatchNormalization by given statistics itself: one pass in
 * ONNX Runtime, where Mul and Add take two.
 */
export function batchGradient(t: Tape): (string | undefined)[] {
  const m = maths(t);
  const [x] = t.x as [string];
  const scale = t.x[1] as string;
  const dy = t.dy[0] as string;
  const [, channels, ...places] = t.dims(x) as [number, number, ...number[]];
  const epsilon = floatOf(t.node, 'epsilon', 1e-5);
  const filled = (value: number) => floats(t, [channels], Array<number>(channels).fill(value));
  const [zero, one] = [filled(0), filled(1)];
  const [mean, variance] = statistics(t);

  const attributes = { epsilon: { float: epsilon } };
  const normal = t.op('BatchNormalization', [x, one, zero, mean, variance], attributes);
  const axes = t.ints([0, ...places.map((_, axis) => axis + 2)]);
  const total = (value: string) => t.op('ReduceSum', [value, axes], { keepdims: 0 });
  const byScale = total(m.mul(dy, normal));
  const byShift = total(dy);
  if (!t.wants(0)) return [undefined, byScale, byShift];

  const count = sizeOf(t.dims(x)) / channels;
  const gain = m.div(scale, m.sqrt(m.add(variance, epsilon)));
  const shift = m.div(m.mul(gain, byShift), -count);
  const straight = t.op('BatchNormalization', [dy, gain, shift, zero, one], {
    epsilon: { float: 0 },
  });
  const along = reshape(t, m.div(m.mul(gain, byScale), count), [channels, ...places.map(() => 1)]);
  return [m.sub(straight, m.mul(normal, along)), byScale, byShift];
}

/** Mean and population variance of the batch, by channel: with momentum 0 the layer gives them. */
function statistics(t: Tape): [string, string] {
  const [x, scale, bias] = t.x as [string, string, string];
  if (floatOf(t.node, 'momentum', 0.9) === 0 && t.y.length >= 3) {
    return [t.y[1] as string, t.y[2] as string];
  }
  const attributes = { ...t.node.attributes, training_mode: 1, momentum: { float: 0 } };
  const own = ownStatistics(t, x, t.dims(x));
  const made = t.ops('BatchNormalization', [x, scale, bias, ...own], attributes, 3);
  return [made[1] as string, made[2] as string];
}

/**
 * Zeros to start a layer's running statistics from. ONNX Runtime 1.30 writes the new statistics onto
 * the buffers of the old, even where these are constants that others read: so they are made of the
 * layer's own input, each in its own way, and are never taken for equal.
 */
export function ownStatistics(t: Emit, x: string, dims: readonly number[]): [string, string] {
  const axes = dims.map((_, axis) => axis).filter((axis) => axis !== 1);
  const ones = axes.map(() => 1);
  const first = slice(
    t,
    x,
    axes,
    axes.map(() => 0),
    ones,
  );
  const some = reshape(t, first, [dims[1] as number]);
  const difference = t.op('Sub', [some, some]);
  return [difference, t.op('Neg', [difference])];
}
