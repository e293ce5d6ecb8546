import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dims, FEW, seeds } from '../../test/helpers/arbitraries.ts';
import { gradcheck, modelOf, normal, offZero, testRuntime } from '../../test/helpers/gradcheck.ts';
import { appendGradients } from '../autodiff/index.ts';
import { Builder, OPSET } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';

test('Relu', async () => {
  await gradcheck({ inputs: { x: offZero([3, 7]) }, build: (b, { x }) => b.op('Relu', [x]) }, 1e-7);
});

describe('along every axis', () => {
  test.each(['Softmax', 'LogSoftmax'])('%s', async (op) => {
    await fc.assert(
      fc.asyncProperty(
        dims({ min: 1 }),
        fc.nat(),
        fc.boolean(),
        seeds,
        async (x, at, last, seed) => {
          const axis = (at % x.length) - (last ? x.length : 0);
          await gradcheck(
            { inputs: { x: normal(x, seed) }, build: (b, { x }) => b.op(op, [x], { axis }) },
            1e-7,
          );
        },
      ),
      FEW,
    );
  });
});

const bool = (value: number) => ({ type: 'bool', dims: [], data: Uint8Array.of(value) }) as const;

describe('Dropout', () => {
  test('is the identity where it is not trained', async () => {
    await gradcheck(
      {
        inputs: { x: normal([2, 3]) },
        build: (b, { x }) => b.op('Mul', [b.op('Dropout', [x]), x]),
      },
      1e-7,
    );
    await gradcheck(
      {
        inputs: { x: normal([2, 3]) },
        build: (b, { x }) =>
          b.op('Dropout', [x, b.constant(float32([], [0.3])), b.constant(bool(0))]),
      },
      1e-7,
    );
  });

  test('sends back what its mask let through, scaled as on the way there', async () => {
    const runtime = await testRuntime();
    const forward = new Builder();
    const x = forward.input('x', 'float32', [200]);
    const inputs = [x, forward.scalar(0.25), forward.constant(bool(1))];
    const [y, mask] = forward.ops('Dropout', inputs, { seed: 7 }, 2) as [string, string];
    const loss = forward.op('ReduceSum', [forward.op('Mul', [y, y])], { keepdims: 0 });
    const feeds = { x: float32([200], offZero([200], 5, 0.5).data) };
    const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
    const b = new Builder(traced.graph);
    const gradient = appendGradients(b, traced, loss, [x]).get(x) as string;
    const session = await runtime.open(
      modelOf(b.build([y, mask, gradient].map((name) => ({ name })))),
    );
    const results = await session.run(feeds);
    await session.dispose();
    const kept = Array.from(results[mask]?.data ?? [], Number);
    const got = Array.from(results[gradient]?.data ?? [], Number);
    expect(kept.filter((bit) => bit === 1).length).toBeGreaterThan(100);
    expect(kept.filter((bit) => bit === 0).length).toBeGreaterThan(20);
    // L = Σ (x m / 0.75)²: dL/dx = 2 x m / 0.75²
    feeds.x.data.forEach((value, index) => {
      expect(got[index]).toBeCloseTo((2 * value * (kept[index] as number)) / 0.75 ** 2, 4);
    });
  });
});
