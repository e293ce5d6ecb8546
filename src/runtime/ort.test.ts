import { expect, test } from 'vitest';
import { Builder, modelOf } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { nodeRuntime } from './node.ts';
import { RuntimeError } from './runtime.ts';

test.each(['native', 'wasm'] as const)(
  '%s writes outputs into the buffers given',
  async (backend) => {
    const runtime = await nodeRuntime({ backend, threads: 1 });
    const b = new Builder();
    const x = b.input('x', 'float32', [3]);
    const twice = b.op('Add', [x, x], {}, 'twice');
    const less = b.op('Neg', [x], {}, 'less');
    const session = await runtime.open(modelOf(b.build([{ name: twice }, { name: less }])));
    const buffers = { twice: float32([3], [0, 0, 0]), less: float32([3], [0, 0, 0]) };
    const results = await session.run({ x: float32([3], [1, 2, 3]) }, buffers);
    expect([...buffers.twice.data]).toEqual([2, 4, 6]);
    expect([...buffers.less.data]).toEqual([-1, -2, -3]);
    expect(results['twice']?.data).toBe(buffers.twice.data);
    const only = await session.run({ x: float32([3], [5, 5, 5]) }, ['less']);
    expect(Object.keys(only)).toEqual(['less']);
    expect([...buffers.less.data]).toEqual([-1, -2, -3]);
    await session.dispose();
  },
);

test('a graph that ONNX Runtime does not load is a typed error with its message', async () => {
  const runtime = await nodeRuntime({ threads: 1 });
  const b = new Builder();
  const y = b.op('NoSuchOperator', [b.input('x', 'float32', [1])]);
  const opening = runtime.open(modelOf(b.build([{ name: y }])));
  await expect(opening).rejects.toThrow(RuntimeError);
  await expect(opening).rejects.toThrow(/NoSuchOperator/);
});

test('a feed of the wrong dims is a typed error', async () => {
  const runtime = await nodeRuntime({ threads: 1 });
  const b = new Builder();
  const y = b.op('Neg', [b.input('x', 'float32', [2])]);
  const session = await runtime.open(modelOf(b.build([{ name: y }])));
  await expect(session.run({ x: float32([3], [1, 2, 3]) })).rejects.toMatchObject({
    code: 'runtime/failed',
  });
  await session.dispose();
});
