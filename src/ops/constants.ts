import type { TensorOf } from '../onnx/index.ts';
import { noGradient } from './refusal.ts';
import type { Tape } from './tape.ts';

/** A constant in the element type of the node's first output, as `t.scalar` makes scalars. */
export function floats(t: Tape, dims: readonly number[], values: ArrayLike<number>): string {
  const tensor: TensorOf<'float32'> | TensorOf<'float64'> =
    t.type(t.y[0] as string) === 'float64'
      ? { type: 'float64', dims, data: Float64Array.from(values) }
      : { type: 'float32', dims, data: Float32Array.from(values) };
  return t.initializer(tensor);
}

/** Zeros in the element type of the node's first output. */
export function zeros(t: Tape, dims: readonly number[]): string {
  return t.op('Expand', [t.scalar(0), t.ints(dims)]);
}

/**
 * The numbers of an input that must be known before the graph runs; `undefined` where it is left out.
 *
 * @throws RuleError where it is computed from the data
 */
export function knownNumbers(t: Tape, index: number, what: string): number[] | undefined {
  const value = t.x[index];
  if (value === undefined || value === '') return undefined;
  const tensor = t.constant(value);
  if (!tensor) return noGradient(t.node, `its ${what} depend on the data`);
  return Array.from(tensor.data, Number);
}
