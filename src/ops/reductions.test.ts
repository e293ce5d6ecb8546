import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Attributes } from '../onnx/index.ts';
import { dims, FEW, seeds } from '../../test/arbitraries.ts';
import { distinct, gradcheck, type Values } from '../../test/gradcheck.ts';

/** A reduction over random axes of random dims, counted from either end, axes kept or not. */
const reduction = dims({ min: 1 }).chain((whole) =>
  fc.record({
    whole: fc.constant(whole),
    axes: fc.subarray(
      whole.map((_, axis) => axis),
      { minLength: 0 },
    ),
    negative: fc.boolean(),
    keepdims: fc.constantFrom(0, 1),
    noop: fc.boolean(),
    seed: seeds,
  }),
);

async function holds(op: string, values: (dims: number[], seed: number) => Values): Promise<void> {
  await fc.assert(
    fc.asyncProperty(reduction, async ({ whole, axes, negative, keepdims, noop, seed }) => {
      const attributes: Attributes = { keepdims, noop_with_empty_axes: noop ? 1 : 0 };
      const given = negative ? axes.map((axis) => axis - whole.length) : axes;
      await gradcheck(
        {
          inputs: { x: values(whole, seed) },
          build: (b, { x }) => b.op(op, given.length > 0 ? [x, b.ints(given)] : [x], attributes),
        },
        1e-6,
      );
    }),
    { ...FEW, numRuns: 20 },
  );
}

describe('reductions over random axes', () => {
  test.each(['ReduceSum', 'ReduceMean'])('%s', async (op) => {
    await holds(op, distinct);
  });
});
