import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Builder } from '../graph/index.ts';
import { broadcastable, FEW, seeds } from '../../test/arbitraries.ts';
import { gradcheck, normal, offZero } from '../../test/gradcheck.ts';

describe('arithmetic with random broadcasting', () => {
  test.each(['Add', 'Sub', 'Mul', 'Div'])('%s', async (op) => {
    await fc.assert(
      fc.asyncProperty(broadcastable(2), seeds, async ([a, b], seed) => {
        await gradcheck(
          {
            inputs: { a: normal(a as number[], seed), b: offZero(b as number[], seed + 1, 0.5) },
            build: (tape, { a, b }) => tape.op(op, [a, b]),
          },
          1e-7,
        );
      }),
      FEW,
    );
  });

  test('Sum of three', async () => {
    await fc.assert(
      fc.asyncProperty(broadcastable(3), seeds, async ([a, b, c], seed) => {
        await gradcheck(
          {
            inputs: {
              a: normal(a as number[], seed),
              b: normal(b as number[], seed + 1),
              c: normal(c as number[], seed + 2),
            },
            build: (tape, { a, b, c }) => tape.op('Sum', [a, b, c]),
          },
          1e-7,
        );
      }),
      FEW,
    );
  });

  test('an operand used on both sides', async () => {
    for (const op of ['Add', 'Mul', 'Div']) {
      const check = {
        inputs: { x: offZero([5], 3, 0.5) },
        build: (b: Builder, { x }: Record<'x', string>) => b.op('Mul', [b.op(op, [x, x]), x]),
      };
      await gradcheck(check, 1e-7);
    }
  });
});

test.each(['Neg', 'Identity'])('%s', async (op) => {
  await gradcheck({ inputs: { x: normal([2, 3]) }, build: (b, { x }) => b.op(op, [x]) }, 1e-8);
});
