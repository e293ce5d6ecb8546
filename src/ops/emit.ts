import type { Tape } from './tape.ts';

/** What of a tape the helpers below need: they also serve where there is no node at hand. */
export type Emit = Pick<Tape, 'op' | 'ints'>;

/** Sums a gradient of dims `from` back to the dims `to` of an operand that was broadcast to it. */
export function sumTo(
  t: Emit,
  gradient: string,
  from: readonly number[],
  to: readonly number[],
): string {
  const added = from.length - to.length;
  const axes = from
    .map((_, axis) => axis)
    .filter((axis) => axis < added || (to[axis - added] === 1 && from[axis] !== 1));
  const summed =
    axes.length === 0 ? gradient : t.op('ReduceSum', [gradient, t.ints(axes)], { keepdims: 1 });
  return added === 0 ? summed : t.op('Reshape', [summed, t.ints(to)], { allowzero: 1 });
}

export function add(t: Emit, terms: readonly string[]): string {
  const [first, second, ...rest] = terms as [string, ...string[]];
  if (second === undefined) return first;
  return rest.length === 0 ? t.op('Add', [first, second]) : t.op('Sum', terms);
}

export function reshape(t: Emit, value: string, dims: readonly number[]): string {
  return t.op('Reshape', [value, t.ints(dims)], { allowzero: 1 });
}

export function transpose(t: Emit, value: string, perm: readonly number[]): string {
  return perm.every((axis, index) => axis === index) ? value : t.op('Transpose', [value], { perm });
}

/** `value[starts:ends:steps]` along some axes. */
export function slice(
  t: Emit,
  value: string,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps?: readonly number[],
): string {
  const inputs = [value, t.ints(starts), t.ints(ends), t.ints(axes)];
  return t.op('Slice', steps ? [...inputs, t.ints(steps)] : inputs);
}

/** Pads axes with zeros: `before` and `after` have one entry for each axis of the value. */
export function pad(
  t: Emit,
  value: string,
  before: readonly number[],
  after: readonly number[],
): string {
  return [...before, ...after].every((count) => count === 0)
    ? value
    : t.op('Pad', [value, t.ints([...before, ...after])]);
}
