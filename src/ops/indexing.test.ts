import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { int64, sizeOf } from '../onnx/index.ts';
import { dims, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { distinct, gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const TIGHT = 1e-8;
const condition = (values: readonly number[]) =>
  ({ type: 'bool', dims: [values.length], data: Uint8Array.from(values) }) as const;
const index = (size: number) => fc.integer({ min: -size, max: size - 1 });
const indices = (size: number, count: number) =>
  fc.array(index(size), { minLength: count, maxLength: count });

describe('Gather', () => {
  test('along any axis, with repeated and negative indices of any dims', async () => {
    const cases = fc.tuple(dims({ min: 1, max: 3 }), dims({ max: 2 })).chain(([x, to]) =>
      fc.integer({ min: -x.length, max: x.length - 1 }).chain((axis) =>
        fc.record({
          x: fc.constant(x),
          to: fc.constant(to),
          axis: fc.constant(axis),
          at: indices(x.at(axis) as number, sizeOf(to)),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, seeds, async ({ x, to, axis, at }, seed) => {
        await gradcheck(
          {
            inputs: { x: normal(x, seed) },
            build: (b, { x }) => b.op('Gather', [x, b.constant(int64(to, at))], { axis }),
          },
          TIGHT,
        );
      }),
      FEW,
    );
  });

  test('an embedding of computed indices', async () => {
    await gradcheck(
      {
        inputs: { table: normal([5, 3]) },
        build: (b, { table }) => {
          const words = b.op('Mul', [
            b.constant(int64([2, 4], [0, 1, 2, 0, 0, 2, 1, 0])),
            b.ints([2]),
          ]);
          return b.op('Mul', [b.op('Gather', [table, words]), b.op('Gather', [table, words])]);
        },
      },
      TIGHT,
    );
  });
});

describe('GatherND', () => {
  test.each([
    ['elements', [2, 3], [4, 2], 0, [0, 1, 1, 2, 0, 1, -1, -3]],
    ['slices', [3, 2, 2], [3, 1], 0, [2, -1, 0]],
    ['a stack of slices', [3, 4, 2], [2, 2, 2], 0, [0, 1, 2, -1, 0, 1, 1, 3]],
    ['by batches', [2, 3, 2], [2, 1], 1, [1, -1]],
    ['several by batches', [2, 3, 4], [2, 2, 2], 1, [0, 1, 2, 3, 0, 1, 0, 1]],
    ['by two batch axes', [2, 2, 3], [2, 2, 1], 2, [0, 2, -1, 1]],
  ])('%s', async (_, x, to, batch_dims, at) => {
    await gradcheck(
      {
        inputs: { x: normal(x) },
        build: (b, { x }) => b.op('GatherND', [x, b.constant(int64(to, at))], { batch_dims }),
      },
      TIGHT,
    );
  });
});

test.each([0, 1, -1])('GatherElements along axis %i', async (axis) => {
  await gradcheck(
    {
      inputs: { x: normal([3, 3]) },
      build: (b, { x }) =>
        b.op('GatherElements', [x, b.constant(int64([2, 3], [0, 0, -1, 2, 0, 1]))], { axis }),
    },
    TIGHT,
  );
});

describe('scattering', () => {
  test.each(['none', 'add'])('ScatterElements, reduction %s', async (reduction) => {
    const at = reduction === 'add' ? [0, 2, -1, 0, 2, 2] : [0, 2, 1, -1, 0, 1];
    await gradcheck(
      {
        inputs: { x: normal([2, 3], 1), u: normal([2, 3], 2) },
        build: (b, { x, u }) =>
          b.op('ScatterElements', [x, b.constant(int64([2, 3], at)), u], { axis: 1, reduction }),
      },
      TIGHT,
    );
  });

  test.each(['none', 'add'])('ScatterND, reduction %s', async (reduction) => {
    await gradcheck(
      {
        inputs: { x: normal([4, 3], 1), u: normal([2, 3], 2) },
        build: (b, { x, u }) =>
          b.op('ScatterND', [x, b.constant(int64([2, 1], [2, -4])), u], { reduction }),
      },
      TIGHT,
    );
  });

  test.each(['mul', 'max'])('refuses the reduction %s by name', async (reduction) => {
    const check = gradcheck(
      {
        inputs: { x: normal([4], 1), u: normal([1], 2) },
        build: (b, { x, u }) =>
          b.op('ScatterElements', [x, b.ints([2]), u], { axis: 0, reduction }),
      },
      TIGHT,
    );
    await expect(check).rejects.toThrow(new RegExp(`ScatterElements.*not ${reduction}`));
  });
});

test('MaxUnpool of what a MaxPool took', async () => {
  await gradcheck(
    {
      type: 'float32',
      inputs: { x: distinct([2, 2, 4, 4]) },
      build: (b, { x }) => {
        const window = { kernel_shape: [2, 2], strides: [2, 2] };
        const [y, indices] = b.ops('MaxPool', [x], window, 2) as [string, string];
        return b.op('MaxUnpool', [y, indices], window);
      },
    },
    1e-3,
  );
});

describe('Compress', () => {
  test.each([
    ['along an axis', 1, [1, 0, 1]],
    ['along the last axis, with a short condition', -1, [0, 1]],
    ['of the elements', undefined, [0, 1, 1, 0, 0, 1, 0, 1]],
  ])('%s', async (_, axis, kept) => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3, 4]) },
        build: (b, { x }) =>
          b.op('Compress', [x, b.constant(condition(kept))], axis === undefined ? {} : { axis }),
      },
      TIGHT,
    );
  });
});
