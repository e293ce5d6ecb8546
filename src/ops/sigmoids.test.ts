import { expect, test } from 'vitest';
import { FAR, slopesAt } from '../../test/helpers/far.ts';
import { gradcheck, uniform } from '../../test/helpers/gradcheck.ts';

test.each([
  ['Sigmoid', {}, 'float64'],
  ['Tanh', {}, 'float64'],
  ['Softplus', {}, 'float32'],
  ['Softsign', {}, 'float32'],
  ['Mish', {}, 'float32'],
  ['Erf', {}, 'float32'],
  ['Gelu', {}, 'float32'],
  ['Gelu', { approximate: 'tanh' }, 'float32'],
] as const)('%s %j', async (op, attributes, type) => {
  await gradcheck(
    {
      type,
      inputs: { x: uniform([3, 7], 5, -4, 4) },
      build: (b, { x }) => b.op(op, [x], attributes),
    },
    type === 'float32' ? 2e-4 : 1e-8,
  );
});

test.each([
  ['Sigmoid', {}, 0],
  ['Tanh', {}, 0],
  ['Softplus', {}, 1],
  ['Mish', {}, 1],
  ['Erf', {}, 0],
  ['Gelu', {}, 1],
  ['Gelu', { approximate: 'tanh' }, 1],
] as const)(
  '%s %j is flat far below zero and straight far above',
  async (op, attributes, above) => {
    const slopes = await slopesAt(FAR, op, attributes);
    for (const [index, slope] of slopes.entries()) {
      expect(slope, `at ${FAR[index]}`).toBeCloseTo((FAR[index] as number) < 0 ? 0 : above, 5);
    }
  },
);
