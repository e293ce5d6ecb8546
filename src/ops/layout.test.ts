import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { int64 } from '../onnx/index.ts';
import { dims, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const TIGHT = 1e-8;

test('Transpose by every permutation, and by none', async () => {
  const cases = dims({ min: 1 }).chain((x) =>
    fc.tuple(
      fc.constant(x),
      fc.shuffledSubarray([...x.keys()], { minLength: x.length }),
      fc.boolean(),
    ),
  );
  await fc.assert(
    fc.asyncProperty(cases, seeds, async ([x, perm, said], seed) => {
      await gradcheck(
        {
          inputs: { x: normal(x, seed) },
          build: (b, { x }) => b.op('Transpose', [x], said ? { perm } : {}),
        },
        TIGHT,
      );
    }),
    FEW,
  );
});

test.each([
  ['Squeeze', [2, 1, 3, 1], [1, -1]],
  ['Squeeze', [1, 2, 1, 3], []],
  ['Unsqueeze', [2, 3], [0, 2, -1]],
])('%s of %j by axes %j', async (op, x, axes) => {
  await gradcheck(
    {
      inputs: { x: normal(x) },
      build: (b, { x }) => b.op(op, axes.length === 0 ? [x] : [x, b.ints(axes)]),
    },
    TIGHT,
  );
});

test.each([
  [
    [1, 3],
    [2, 3],
  ],
  [[3], [2, 1, 3]],
  [
    [3, 1],
    [2, 1, 4],
  ],
  [[], [2, 2]],
  [[2, 3], [1]],
])('Expand of %j to %j', async (x, to) => {
  await gradcheck(
    { inputs: { x: normal(x) }, build: (b, { x }) => b.op('Expand', [x, b.ints(to)]) },
    TIGHT,
  );
});

test('Tile', async () => {
  const cases = dims({ min: 1, max: 3 }).chain((x) =>
    fc.tuple(
      fc.constant(x),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: x.length, maxLength: x.length }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(cases, seeds, async ([x, repeats], seed) => {
      await gradcheck(
        {
          inputs: { x: normal(x, seed) },
          build: (b, { x }) => b.op('Tile', [x, b.ints(repeats)]),
        },
        TIGHT,
      );
    }),
    FEW,
  );
});

describe('Trilu', () => {
  test.each([
    [1, 0],
    [0, 0],
    [1, 2],
    [0, -1],
  ])('upper %i, k %i', async (upper, k) => {
    await gradcheck(
      {
        inputs: { x: normal([2, 4, 3]) },
        build: (b, { x }) => b.op('Trilu', [x, b.constant(int64([], [k]))], { upper }),
      },
      TIGHT,
    );
  });
});

describe('blocks of planes and channels', () => {
  test.each(['DCR', 'CRD'])('DepthToSpace %s', async (mode) => {
    await gradcheck(
      {
        inputs: { x: normal([2, 12, 2, 3]) },
        build: (b, { x }) => b.op('DepthToSpace', [x], { blocksize: 2, mode }),
      },
      TIGHT,
    );
  });

  test('SpaceToDepth', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3, 4, 6]) },
        build: (b, { x }) => b.op('SpaceToDepth', [x], { blocksize: 2 }),
      },
      TIGHT,
    );
  });
});

test.each([
  [0, 1],
  [1, 0],
])('ReverseSequence with batch axis %i and time axis %i', async (batch_axis, time_axis) => {
  await gradcheck(
    {
      inputs: { x: normal([3, 3, 2]) },
      build: (b, { x }) =>
        b.op('ReverseSequence', [x, b.ints([3, 1, 2])], { batch_axis, time_axis }),
    },
    TIGHT,
  );
});

describe('Cast', () => {
  // Through float32 the numeric derivative is good to its precision over the step.
  test('to the other float type and back', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3]) },
        step: 1e-1,
        build: (b, { x }) => {
          const single = b.op('Cast', [b.op('Mul', [x, x])], { to: 1 });
          return b.op('CastLike', [b.op('Mul', [single, single]), x]);
        },
      },
      1e-4,
    );
  });

  test('by way of integers gives no gradient', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3]) },
        build: (b, { x }) => {
          const whole = b.op('Cast', [b.op('Cast', [x], { to: 7 })], { to: 11 });
          return b.op('Add', [x, b.op('Mul', [whole, b.scalar(0, 'float64')])]);
        },
      },
      TIGHT,
    );
  });
});
