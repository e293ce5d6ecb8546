import { test } from 'vitest';
import { gradcheck, uniform } from '../../test/gradcheck.ts';

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
