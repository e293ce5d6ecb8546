import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { FAR, slopesAt } from '../../test/helpers/far.ts';
import { gradcheck, offZero, uniform, type Values } from '../../test/helpers/gradcheck.ts';
import { float, type Attributes } from '../onnx/index.ts';

/** Values in -4 .. 4 that are 0.05 away from the kinks at least. */
function offKinks(kinks: readonly number[], seed = 3): Values {
  const { dims, data } = uniform([4, 6], seed, -4, 4);
  const moved = data.map((value) => {
    const near = kinks.find((kink) => Math.abs(value - kink) < 0.05);
    return near === undefined ? value : near + 0.1;
  });
  return { dims, data: moved };
}

test.each<[string, Attributes, readonly number[]]>([
  ['LeakyRelu', {}, [0]],
  ['LeakyRelu', { alpha: float(0.3) }, [0]],
  ['ThresholdedRelu', {}, [1]],
  ['ThresholdedRelu', { alpha: float(-0.5) }, [-0.5]],
  ['Elu', {}, [0]],
  ['Elu', { alpha: float(1.7) }, [0]],
  ['Selu', {}, [0]],
  ['Selu', { alpha: float(2), gamma: float(0.8) }, [0]],
  ['Celu', {}, [0]],
  ['Celu', { alpha: float(0.6) }, [0]],
  ['HardSigmoid', {}, [-2.5, 2.5]],
  ['HardSigmoid', { alpha: float(0.5), beta: float(0.25) }, [-0.5, 1.5]],
  ['HardSwish', {}, [-3, 3]],
  ['Shrink', { lambd: float(1.5), bias: float(0.5) }, [-1.5, 1.5]],
])('%s %j', async (op, attributes, kinks) => {
  await gradcheck(
    {
      type: 'float32',
      inputs: { x: offKinks(kinks) },
      build: (b, { x }) => b.op(op, [x], attributes),
    },
    2e-4,
  );
});

describe('PRelu', () => {
  test.each([
    ['one slope', []],
    ['a slope for each channel', [3, 1]],
    ['a slope for each element', [2, 3, 4]],
    ['a slope for each column', [4]],
  ])('with %s', async (_, slope) => {
    await gradcheck(
      {
        type: 'float32',
        inputs: { x: offZero([2, 3, 4]), s: offZero(slope, 2) },
        build: (b, { x, s }) => b.op('PRelu', [x, s]),
      },
      2e-4,
    );
  });
});

describe('Clip', () => {
  test('with either bound, both or none', async () => {
    const bounds = fc.record({ low: fc.boolean(), high: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(bounds, seeds, async ({ low, high }, seed) => {
        await gradcheck(
          {
            inputs: { x: offKinks([-1, 2], seed) },
            build: (b, { x }) =>
              b.op('Clip', [
                x,
                low ? b.scalar(-1, 'float64') : '',
                ...(high ? [b.scalar(2, 'float64')] : []),
              ]),
          },
          1e-7,
        );
      }),
      FEW,
    );
  });

  test('with bounds that are learned', async () => {
    const verdict = await gradcheck(
      {
        inputs: {
          x: offKinks([-1, 2]),
          low: { dims: [], data: [-1] },
          high: { dims: [], data: [2] },
        },
        build: (b, { x, low, high }) => b.op('Clip', [x, low, high]),
      },
      1e-7,
    );
    expect(verdict.error).toBeGreaterThan(0);
  });
});

test.each([
  ['Relu', 0, 1],
  ['LeakyRelu', 0.01, 1],
  ['ThresholdedRelu', 0, 1],
  ['Elu', 0, 1],
  ['Selu', 0, 1.0507],
  ['Celu', 0, 1],
  ['HardSigmoid', 0, 0],
  ['HardSwish', 0, 1],
])('%s far from zero', async (op, below, above) => {
  for (const [index, slope] of (await slopesAt(FAR, op)).entries()) {
    expect(slope, `at ${FAR[index]}`).toBeCloseTo((FAR[index] as number) < 0 ? below : above, 4);
  }
});
