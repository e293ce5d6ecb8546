import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Builder } from '../graph/index.ts';
import { broadcastable, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { int64 } from '../onnx/index.ts';
import { distinct, gradcheck, normal, offZero, uniform } from '../../test/helpers/gradcheck.ts';

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

test.each(['Min', 'Max', 'Mean'])('%s of three that broadcast, of two and of one', async (op) => {
  const c = distinct([2, 3, 4], 3, 0.01);
  const part = (from: number, dims: number[]) => ({
    dims,
    data: c.data.slice(from, from + dims.reduce((a, b) => a * b, 1)),
  });
  const x = part(0, [2, 1, 3]);
  const y = part(6, [4, 1]);
  const z = part(10, [3]);
  const type = 'float32';
  const step = 0.004;
  const three = { x, y, z };
  await gradcheck(
    { type, step, inputs: three, build: (b, { x, y, z }) => b.op(op, [x, y, z]) },
    1e-3,
  );
  await gradcheck({ type, step, inputs: { x, y }, build: (b, { x, y }) => b.op(op, [x, y]) }, 1e-3);
  await gradcheck({ type, step, inputs: { x }, build: (b, { x }) => b.op(op, [x]) }, 1e-3);
});

describe('Pow', () => {
  test('of positive numbers, by both', async () => {
    await fc.assert(
      fc.asyncProperty(broadcastable(2), seeds, async ([a, b], seed) => {
        await gradcheck(
          {
            inputs: { a: uniform(a as number[], seed, 0.5, 2), b: normal(b as number[], seed + 1) },
            build: (tape, { a, b }) => tape.op('Pow', [a, b]),
          },
          1e-6,
        );
      }),
      FEW,
    );
  });

  test.each([0, 1, 2, 3])('of numbers of either sign and zero to the power %i', async (power) => {
    await gradcheck(
      {
        inputs: { a: { dims: [4], data: [-1.5, 0, 0.5, 2] } },
        build: (b, { a }) => b.op('Pow', [a, b.constant(int64([], [power]))]),
      },
      1e-6,
    );
  });
});

test('Mod of floats', async () => {
  await gradcheck(
    {
      inputs: {
        a: { dims: [4], data: [-5.3, -1.2, 2.4, 7.7] },
        b: { dims: [2, 1], data: [2, -3] },
      },
      build: (tape, { a, b }) => tape.op('Mod', [a, b], { fmod: 1 }),
    },
    1e-7,
  );
});

test('Where, with a condition and branches that broadcast', async () => {
  await gradcheck(
    {
      inputs: { x: normal([2, 1, 3]), y: normal([4, 1], 2) },
      build: (b, { x, y }) => {
        const bits = {
          type: 'bool',
          dims: [4, 3],
          data: Uint8Array.from({ length: 12 }, (_, i) => i % 2),
        } as const;
        return b.op('Where', [b.constant(bits), x, y]);
      },
    },
    1e-8,
  );
});
