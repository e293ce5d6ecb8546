import { expect, test } from 'vitest';
import { Builder } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { nodeRuntime } from '../runtime/index.ts';
import { trainingStep } from './step.ts';

test('training on the native and the wasm runtime agrees', async () => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 4]);
  const weight = b.initializer('weight', float32([4, 3], [1, -2, 3, 0, 1, 2, -1, 0, 1, 2, 0, -3]));
  const scores = b.op('MatMul', [x, weight], {}, 'scores');
  const graph = b.build([{ name: scores }]);
  const batch = {
    x: Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)),
    y: Int32Array.of(0, 2),
    weights: Float32Array.of(1, 1),
  };
  const losses = async (backend: 'native' | 'wasm') => {
    const step = await trainingStep(await nodeRuntime({ backend, threads: 1 }), graph, {
      input: 'x',
      logits: 'scores',
      sample: [4],
      classes: 3,
      batchSize: 2,
      optimizer: { kind: 'sgd', momentum: 0.9 },
      parameters: ['weight'],
    });
    const all: number[] = [];
    for (let i = 0; i < 5; i += 1) all.push((await step.run(batch, 0.5)).loss);
    await step.dispose();
    return all;
  };
  const [native, wasm] = [await losses('native'), await losses('wasm')];
  expect(native[4]).toBeLessThan(native[0] as number);
  wasm.forEach((loss, i) => expect(loss).toBeCloseTo(native[i] as number, 5));
});
