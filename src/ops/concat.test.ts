import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const TIGHT = 1e-8;

const along = (size: number) =>
  fc.tuple(
    fc.integer({ min: -size - 2, max: size + 2 }),
    fc.integer({ min: -size - 2, max: size + 2 }),
    fc.constantFrom(-3, -2, -1, 1, 2, 3),
  );

describe('Concat', () => {
  test.each([
    ['the first axis', 0, [2, 3], [1, 3], [4, 3]],
    ['the last axis, counted from behind', -1, [2, 3], [2, 1], [2, 4]],
  ])('along %s', async (_, axis, x, y, z) => {
    await gradcheck(
      {
        inputs: { x: normal(x, 1), y: normal(y, 2), z: normal(z, 3) },
        build: (b, { x, y, z }) => b.op('Concat', [x, y, z], { axis }),
      },
      TIGHT,
    );
  });

  test('with an empty part', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3], 1), z: normal([2, 2], 2) },
        build: (b, { x, z }) => {
          const none = b.constant({ type: 'float64', dims: [2, 0], data: new Float64Array() });
          return b.op('Concat', [x, none, z], { axis: 1 });
        },
      },
      TIGHT,
    );
  });

  test('of a value with itself and with constants', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3]) },
        build: (b, { x }) => {
          const fixed = b.constant({
            type: 'float64',
            dims: [1, 3],
            data: Float64Array.of(1, 2, 3),
          });
          const all = b.op('Concat', [fixed, b.op('Mul', [x, x]), fixed], { axis: 0 });
          return b.op('Concat', [all, all], { axis: 1 });
        },
      },
      TIGHT,
    );
  });
});

describe('Split', () => {
  test('into unequal parts, one of which nobody uses', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 7]) },
        build: (b, { x }) => {
          const parts = b.ops('Split', [x, b.ints([3, 2, 2])], { axis: -1 }, 3);
          return b.op('Mul', [parts[2] as string, parts[2] as string]);
        },
      },
      TIGHT,
    );
  });

  test('into equal parts with a smaller last one', async () => {
    await gradcheck(
      {
        inputs: { x: normal([7, 2]) },
        build: (b, { x }) => [...b.ops('Split', [x], { axis: 0, num_outputs: 3 }, 3)],
      },
      TIGHT,
    );
  });
});

describe('Slice', () => {
  test('any starts, ends and steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        along(7),
        along(4),
        fc.boolean(),
        seeds,
        async (first, second, swap, seed) => {
          const axes = swap ? [-1, 1] : [1, 2];
          const [p, q] = swap ? [second, first] : [first, second];
          await gradcheck(
            {
              inputs: { x: normal([2, 7, 4], seed) },
              build: (b, { x }) => {
                const part = b.op('Slice', [
                  x,
                  b.ints([p[0], q[0]]),
                  b.ints([p[1], q[1]]),
                  b.ints(axes),
                  b.ints([p[2], q[2]]),
                ]);
                // An empty slice alone would leave a loss that does not depend on x.
                return [part, x];
              },
            },
            TIGHT,
          );
        },
      ),
      { ...FEW, numRuns: 40 },
    );
  });

  test.each([
    ['to the end', [1], [Number.MAX_SAFE_INTEGER], [1], [1]],
    ['the whole axis backwards', [-1], [Number.MIN_SAFE_INTEGER], [2], [-1]],
  ])('%s', async (_, starts, ends, axes, steps) => {
    await gradcheck(
      {
        inputs: { x: normal([2, 4, 3]) },
        build: (b, { x }) =>
          b.op('Slice', [x, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)]),
      },
      TIGHT,
    );
  });

  test('without axes and steps', async () => {
    await gradcheck(
      {
        inputs: { x: normal([3, 4]) },
        build: (b, { x }) => b.op('Slice', [x, b.ints([1, 0]), b.ints([3, -1])]),
      },
      TIGHT,
    );
  });

  test('says so where the place depends on the data', async () => {
    const check = gradcheck(
      {
        inputs: { x: normal([3, 4]) },
        build: (b, { x }) => {
          const start = b.op('Cast', [b.op('ReduceMean', [x], { keepdims: 0 })], { to: 7 });
          const at = b.op('Clip', [
            start,
            b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(0n) }),
            b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(0n) }),
          ]);
          return b.op('Slice', [x, b.op('Unsqueeze', [at, b.ints([0])]), b.ints([2])]);
        },
      },
      TIGHT,
    );
    await expect(check).rejects.toMatchObject({ code: 'autodiff/unsupported' });
    await expect(check).rejects.toThrow(/Slice.*its starts depend on the data/);
  });
});
