import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const TIGHT = 1e-8;
const pads = (min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: 4, maxLength: 4 });

describe('Pad', () => {
  test.each([
    ['constant', -1, 3],
    ['reflect', 0, 2],
    ['edge', 0, 3],
    ['wrap', 0, 3],
  ])('%s', async (mode, min, max) => {
    await fc.assert(
      fc.asyncProperty(pads(min, max), seeds, async (counts, seed) => {
        await gradcheck(
          {
            inputs: { x: normal([2, 3, 4], seed) },
            build: (b, { x }) => {
              const [p, q, r, s] = counts as [number, number, number, number];
              return b.op('Pad', [x, b.ints([0, p, q, 0, r, s])], { mode });
            },
          },
          TIGHT,
        );
      }),
      FEW,
    );
  });

  test.each([
    ['edge', [2, 0, -1, 1]],
    ['reflect', [1, -1, 0, 2]],
    ['wrap', [-1, 2, 3, 0]],
  ])('%s with some cut off: %j', async (mode, [p = 0, q = 0, r = 0, s = 0]) => {
    await gradcheck(
      {
        inputs: { x: normal([4, 5]) },
        build: (b, { x }) => b.op('Pad', [x, b.ints([p, q, r, s])], { mode }),
      },
      TIGHT,
    );
  });

  test('of some axes only', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3, 4]) },
        build: (b, { x }) =>
          b.op('Pad', [x, b.ints([1, 2, 0, 3]), '', b.ints([-1, 0])], { mode: 'constant' }),
      },
      TIGHT,
    );
  });

  test('by the constant too', async () => {
    await gradcheck(
      {
        inputs: { x: normal([3, 4]), c: normal([], 5) },
        build: (b, { x, c }) => b.op('Pad', [x, b.ints([1, -1, 2, 1]), c]),
      },
      TIGHT,
    );
  });
});
