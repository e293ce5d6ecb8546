import { afterEach, expect, test } from 'vitest';
import { operators } from '../src/ops/registry.ts';
import type { Builder } from '../src/graph/index.ts';
import type { Operator } from '../src/ops/index.ts';
import { gradcheck, normal } from './helpers/gradcheck.ts';

const table = operators as unknown as Record<string, Operator>;
const right = table['Mul'] as Operator;
afterEach(() => {
  table['Mul'] = right;
});

const cubes = {
  inputs: { x: normal([3, 4]), y: normal([4], 2) },
  build: (b: Builder, { x, y }: Record<'x' | 'y', string>) => b.op('Mul', [b.op('Mul', [x, x]), y]),
};

test('passes where the rules are right', async () => {
  expect((await gradcheck(cubes, 1e-9)).error).toBeGreaterThan(0);
  await gradcheck({ ...cubes, type: 'float32' }, 1e-3);
});

test.each([
  ['a factor of 1.01', 1.01],
  ['the wrong sign', -1],
  ['no gradient at all', 0],
])('fails on a rule with %s', async (_, factor) => {
  table['Mul'] = {
    ...right,
    broadcasts: true,
    gradient: (t) => {
      const scaled = t.op('Mul', [t.dy[0] as string, t.scalar(factor)]);
      return [t.op('Mul', [scaled, t.x[1] as string]), t.op('Mul', [scaled, t.x[0] as string])];
    },
  };
  await expect(gradcheck(cubes, 1e-3)).rejects.toThrow(/gradients differ by/);
  await expect(gradcheck({ ...cubes, type: 'float32' }, 1e-3)).rejects.toThrow(/differ by/);
});

test('fails on a rule that is wrong at one element of many', async () => {
  const many = {
    inputs: { x: normal([40]) },
    build: (b: Builder, { x }: Record<'x', string>) => b.op('Mul', [x, x]),
  };
  table['Mul'] = {
    ...right,
    broadcasts: undefined,
    gradient: (t) => {
      const spot = new Float64Array(40).fill(1);
      spot[17] = 1.1;
      const off = t.initializer({ type: 'float64', dims: [40], data: spot });
      const half = t.op('Mul', [t.op('Mul', [t.dy[0] as string, t.x[0] as string]), off]);
      return [half, half];
    },
  };
  await expect(gradcheck(many, 1e-6)).rejects.toThrow(/along direction|\[17\]/);
});

test('fails on a rule that differs where only one input needs a gradient', async () => {
  table['Mul'] = {
    ...right,
    broadcasts: true,
    gradient: (t) => {
      const wrong = t.wants(0) && t.wants(1) ? 1 : 2;
      const dy = t.op('Mul', [t.dy[0] as string, t.scalar(wrong)]);
      return [t.op('Mul', [dy, t.x[1] as string]), t.op('Mul', [dy, t.x[0] as string])];
    },
  };
  const product = {
    inputs: { x: normal([3]), y: normal([3], 2) },
    build: (b: Builder, { x, y }: Record<'x' | 'y', string>) => b.op('Mul', [x, y]),
  };
  await expect(gradcheck(product, 1e-3)).rejects.toThrow(/alone/);
});
