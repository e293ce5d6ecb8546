import * as fc from 'fast-check';
import { test } from 'vitest';
import { float } from '../onnx/index.ts';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const size = fc.integer({ min: 1, max: 4 });
const bit = fc.constantFrom(0, 1);

test.each([
  ['vector, vector', [4], [4]],
  ['vector, matrix', [4], [4, 3]],
  ['matrix, vector', [3, 4], [4]],
  ['matrix, matrix', [2, 4], [4, 3]],
  ['stack, matrix', [5, 2, 4], [4, 3]],
  ['matrix, stack', [2, 4], [5, 4, 3]],
  ['stack, vector', [2, 5, 3, 4], [4]],
  ['vector, stack', [4], [2, 5, 4, 3]],
  ['stacks that broadcast both ways', [2, 1, 3, 4], [1, 5, 4, 2]],
  ['stacks of unequal rank', [5, 3, 4], [2, 1, 4, 2]],
])('MatMul of %s', async (_, a, b) => {
  await gradcheck(
    {
      inputs: { a: normal(a, 1), b: normal(b, 2) },
      build: (tape, { a, b }) => tape.op('MatMul', [a, b]),
    },
    1e-8,
  );
});

test('MatMul of random stacks', async () => {
  const stacks = fc
    .array(fc.tuple(size, fc.boolean(), fc.boolean()), { maxLength: 2 })
    .map((axes) => ({
      a: axes.map(([dim, one]) => (one ? 1 : dim)),
      b: axes.map(([dim, , one]) => (one ? 1 : dim)),
    }));
  await fc.assert(
    fc.asyncProperty(stacks, fc.tuple(size, size, size), seeds, async (lead, [m, k, n], seed) => {
      await gradcheck(
        {
          inputs: { a: normal([...lead.a, m, k], seed), b: normal([...lead.b, k, n], seed + 1) },
          build: (tape, { a, b }) => tape.op('MatMul', [a, b]),
        },
        1e-8,
      );
    }),
    FEW,
  );
});

test('Gemm with every transposition, alpha, beta and shape of C', async () => {
  const scale = fc.constantFrom(1, 0.5, -2);
  const shapeOfC = fc.constantFrom('none', 'scalar', 'row', 'column', 'one', 'vector', 'whole');
  const settings = fc.record({ transA: bit, transB: bit, alpha: scale, beta: scale, c: shapeOfC });
  await fc.assert(
    fc.asyncProperty(settings, fc.tuple(size, size, size), seeds, async (gemm, [m, k, n], seed) => {
      const { transA, transB } = gemm;
      const dimsOfC: Record<typeof gemm.c, number[]> = {
        none: [],
        scalar: [],
        row: [1, n],
        column: [m, 1],
        one: [1],
        vector: [n],
        whole: [m, n],
      };
      const a = normal(transA ? [k, m] : [m, k], seed);
      const b = normal(transB ? [n, k] : [k, n], seed + 1);
      const attributes = {
        transA,
        transB,
        alpha: float(gemm.alpha),
        beta: float(gemm.beta),
      };
      if (gemm.c === 'none') {
        await gradcheck(
          { inputs: { a, b }, build: (tape, { a, b }) => tape.op('Gemm', [a, b], attributes) },
          1e-8,
        );
      } else {
        const c = normal(dimsOfC[gemm.c], seed + 2);
        await gradcheck(
          {
            inputs: { a, b, c },
            build: (tape, { a, b, c }) => tape.op('Gemm', [a, b, c], attributes),
          },
          1e-8,
        );
      }
    }),
    { ...FEW, numRuns: 40 },
  );
});
