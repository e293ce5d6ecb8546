import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Attributes } from '../onnx/index.ts';
import { dims, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import {
  distinct,
  gradcheck,
  normal,
  offZero,
  uniform,
  type Values,
} from '../../test/helpers/gradcheck.ts';

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
    FEW,
  );
}

describe('reductions over random axes', () => {
  test.each([
    'ReduceSum',
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceL1',
    'ReduceL2',
    'ReduceSumSquare',
  ])('%s', async (op) => {
    await holds(op, (dims, seed) => distinct(dims, seed));
  });

  test('ReduceProd', async () => {
    await holds('ReduceProd', (dims, seed) => offZero(dims, seed, 0.5, 1.5));
  });

  test('ReduceLogSum', async () => {
    await holds('ReduceLogSum', (dims, seed) => uniform(dims, seed, 0.5, 2));
  });

  test('ReduceLogSumExp', async () => {
    await holds('ReduceLogSumExp', normal);
  });
});

test('ReduceProd of groups with a zero', async () => {
  await gradcheck(
    {
      inputs: { x: { dims: [3, 3], data: [0, 2, 3, 0, 0, 3, 1, 2, 3] } },
      build: (b, { x }) => b.op('ReduceProd', [x, b.ints([1])]),
    },
    1e-7,
  );
});

test('GlobalMaxPool', async () => {
  await gradcheck(
    {
      type: 'float32',
      step: 0.04,
      inputs: { x: distinct([2, 3, 2, 3]) },
      build: (b, { x }) => b.op('GlobalMaxPool', [x]),
    },
    1e-3,
  );
});
