import * as fc from 'fast-check';
import { test } from 'vitest';
import { dims, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

test('Flatten at every axis', async () => {
  await fc.assert(
    fc.asyncProperty(
      dims({ min: 1 }),
      fc.integer({ min: -4, max: 4 }),
      seeds,
      async (x, at, seed) => {
        const axis = Math.max(-x.length, Math.min(x.length, at));
        await gradcheck(
          { inputs: { x: normal(x, seed) }, build: (b, { x }) => b.op('Flatten', [x], { axis }) },
          1e-8,
        );
      },
    ),
    FEW,
  );
});

test.each([
  [[6, 4], {}],
  [[-1], {}],
  [[0, -1], {}],
  [[1, 2, 3, 4, 1], {}],
  [[4, 6], { allowzero: 1 }],
])('Reshape of [2, 3, 4] to %j %j', async (to, attributes) => {
  await gradcheck(
    {
      inputs: { x: normal([2, 3, 4]) },
      build: (b, { x }) => b.op('Reshape', [x, b.ints(to)], attributes),
    },
    1e-8,
  );
});
