import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Builder, modelOf } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { nodeRuntime } from './node.ts';
import { freeTensor } from './free-tensor.ts';

const MIB = 2 ** 20;
const bufferBytes = () => process.memoryUsage().arrayBuffers;

test('large tensors are freed by the next turn; small ones are left to the garbage collector', async () => {
  const before = bufferBytes();
  for (let turn = 0; turn < 40; turn += 1) {
    const tensor = float32([8 * MIB], new Float32Array(8 * MIB));
    freeTensor(tensor);
    expect(tensor.data).toHaveLength(0);
    await setImmediate();
  }
  expect(bufferBytes() - before).toBeLessThan(64 * MIB);
  const small = float32([3], [1, 2, 3]);
  freeTensor(small);
  expect([...small.data]).toEqual([1, 2, 3]);
});

test('runs into buffers leave no copies', async () => {
  const runtime = await nodeRuntime({ backend: 'native', threads: 1 });
  const b = new Builder();
  const x = b.input('x', 'float32', [4 * MIB]);
  const session = await runtime.open(modelOf(b.build([{ name: b.op('Neg', [x], {}, 'y') }])));
  const feeds = { x: float32([4 * MIB], new Float32Array(4 * MIB).fill(2)) };
  const fetches = { y: float32([4 * MIB], new Float32Array(4 * MIB)) };
  await session.run(feeds, fetches);
  const before = bufferBytes();
  for (let turn = 0; turn < 8; turn += 1) await session.run(feeds, fetches);
  expect(bufferBytes() - before).toBeLessThan(32 * MIB);
  expect(fetches.y.data[MIB]).toBe(-2);
  await session.dispose();
});
