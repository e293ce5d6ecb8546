import { random, type Random } from '../../src/data/index.ts';
import { sizeOf, type TensorOf } from '../../src/onnx/index.ts';

/** Values for an input of any type. */
export interface Values {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** Values of both signs with magnitude in [low, high). */
export function away(size: number, rng: Random, low: number, high: number): number[] {
  return Array.from(
    { length: size },
    () => (rng.uniform() < 0.5 ? -1 : 1) * (low + (high - low) * rng.uniform()),
  );
}

export function tensorOf(
  type: 'float32' | 'float64',
  dims: readonly number[],
  data: readonly number[],
): TensorOf<'float32'> | TensorOf<'float64'> {
  return type === 'float64'
    ? { type, dims, data: Float64Array.from(data) }
    : { type, dims, data: Float32Array.from(data) };
}

/** Standard normal values. */
export function normal(dims: readonly number[], seed = 1): Values {
  const rng = random(seed, 'values');
  return { dims, data: Array.from({ length: sizeOf(dims) }, () => rng.normal()) };
}

/** Values of both signs with magnitude in [low, high): away from a kink at zero. */
export function offZero(dims: readonly number[], seed = 1, low = 0.1, high = 2): Values {
  return { dims, data: away(sizeOf(dims), random(seed, 'values'), low, high) };
}

/** Uniform in [low, high). */
export function uniform(dims: readonly number[], seed: number, low: number, high: number): Values {
  const rng = random(seed, 'values');
  const data = Array.from({ length: sizeOf(dims) }, () => low + (high - low) * rng.uniform());
  return { dims, data };
}

/** Values that differ from each other and from zero by at least `gap`: away from the kinks of a maximum. */
export function distinct(dims: readonly number[], seed = 1, gap = 0.1): Values {
  const size = sizeOf(dims);
  const data = Array.from({ length: size }, (_, index) => (index - size / 2 + 0.25) * 2 * gap);
  return { dims, data: random(seed, 'values').shuffle(data) };
}
