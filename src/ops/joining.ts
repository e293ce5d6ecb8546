import { axisOf, intOf } from '../graph/index.ts';
import { knownNumbers, zeros } from './constants.ts';
import { pad, reshape, slice as cut } from './emit.ts';
import type { Operator, Tape } from './rule.ts';

/** Each input gets its part of dy. */
export const concat: Operator = {
  gradient: (t) => {
    const dy = t.dy[0] as string;
    const axis = axisOf(intOf(t.node, 'axis', 0), t.dims(t.y[0] as string).length);
    const sizes = t.x.map((input) => t.dims(input)[axis] as number);
    const wanted = t.x.map((_, index) => t.wants(index));
    if (wanted.filter(Boolean).length > 1)
      return t.ops('Split', [dy, t.ints(sizes)], { axis }, sizes.length);
    let end = 0;
    return sizes.map((size, index) => {
      const start = end;
      end += size;
      return wanted[index] ? cut(t, dy, [axis], [start], [end]) : undefined;
    });
  },
};

/** The parts side by side again; one that does not reach the loss gives zeros. */
export const split: Operator = {
  gradient: (t) => {
    const axis = axisOf(intOf(t.node, 'axis', 0), t.dims(t.x[0] as string).length);
    const parts = t.y.flatMap((output, index) =>
      output === '' ? [] : [t.dy[index] ?? zeros(t, t.dims(output))],
    );
    return [t.op('Concat', parts, { axis })];
  },
};

/** dy at the places it was taken from, zero elsewhere. */
export const slice: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const counts = t.dims(t.y[0] as string);
    if (counts.includes(0)) return [zeros(t, dims)];
    const { starts, steps } = rangesOf(t, dims);
    const backwards = axesWhere(steps, (step) => step < 0);
    const forward =
      backwards.length === 0 ? (t.dy[0] as string) : reverse(t, t.dy[0] as string, backwards);
    // Reversed, a range starts where it ended.
    const first = starts.map((start, axis) => {
      const step = steps[axis] as number;
      return step < 0 ? start + ((counts[axis] as number) - 1) * step : start;
    });
    const apart = steps.map(Math.abs);
    const spaced = spaceOut(t, forward, counts, apart);
    // Behind its last element `spaced` has step - 1 zeros, which a negative pad may cut off.
    const after = dims.map(
      (size, axis) =>
        size - (first[axis] as number) - (counts[axis] as number) * (apart[axis] as number),
    );
    return [pad(t, spaced, first, after)];
  },
};

/** Start and step of every axis. */
function rangesOf(t: Tape, dims: readonly number[]): { starts: number[]; steps: number[] } {
  const given = knownNumbers(t, 1, 'starts') as number[];
  const axes = knownNumbers(t, 3, 'axes') ?? given.map((_, index) => index);
  const stepsGiven = knownNumbers(t, 4, 'steps');
  const starts = dims.map(() => 0);
  const steps = dims.map(() => 1);
  for (const [index, each] of axes.entries()) {
    const axis = axisOf(each, dims.length);
    const size = dims[axis] as number;
    const start = given[index] as number;
    const step = stepsGiven?.[index] ?? 1;
    const last = step < 0 ? size - 1 : size;
    starts[axis] = Math.min(Math.max(start < 0 ? start + size : start, 0), last);
    steps[axis] = step;
  }
  return { starts, steps };
}

/** Puts step - 1 zeros behind each element. */
function spaceOut(
  t: Tape,
  value: string,
  counts: readonly number[],
  steps: readonly number[],
): string {
  if (steps.every((step) => step === 1)) return value;
  const none = counts.flatMap(() => [0, 0]);
  const apart = reshape(
    t,
    value,
    counts.flatMap((count) => [count, 1]),
  );
  const filled = pad(
    t,
    apart,
    none,
    steps.flatMap((step) => [0, step - 1]),
  );
  return reshape(
    t,
    filled,
    counts.map((count, axis) => count * (steps[axis] as number)),
  );
}

/** Turns axes around. */
export function reverse(t: Tape, value: string, axes: readonly number[]): string {
  const all = axes.map(() => -1);
  return cut(
    t,
    value,
    axes,
    all,
    axes.map(() => Number.MIN_SAFE_INTEGER),
    all,
  );
}

function axesWhere(steps: readonly number[], is: (step: number) => boolean): number[] {
  return steps.flatMap((step, axis) => (is(step) ? [axis] : []));
}
