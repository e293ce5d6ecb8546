import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { float32, int64, type Tensor } from '../../onnx/index.ts';
import { TensorStore } from './store.ts';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'store-'))));
afterEach(() => rm(folder, { recursive: true }));

const odd = new Float32Array(new ArrayBuffer(32), 8, 3);
odd.set([NaN, -0, 1e-45]);
const tensors: Tensor[] = [
  float32([2, 2], [1, -1e20, Infinity, 0.1]),
  { type: 'float32', dims: [3], data: odd },
  int64([2], [-1, 2 ** 53]),
  { type: 'bool', dims: [1, 3], data: Uint8Array.of(1, 0, 1) },
  { type: 'float16', dims: [0, 2], data: new Uint16Array() },
  { type: 'string', dims: [2], data: ['a', 'b'] },
];
/** All but the strings, which stay in memory. */
const BYTES = 16 + 12 + 16 + 3;

test.each([0, 20, 30, Infinity])(
  'gives back what it was given, with %d bytes of memory',
  async (memory) => {
    const store = new TensorStore({ memory, folder });
    const kept = [];
    for (const tensor of tensors) kept.push(await store.keep(tensor));
    expect(await Promise.all(kept.map((each) => each.read()))).toEqual(tensors);
    expect(BYTES - store.spilled).toBeLessThanOrEqual(memory);
    await store.dispose();
    expect(await readdir(folder)).toEqual([]);
  },
);

test.each([0, Infinity])('a tensor can be replaced, its neighbors stay (%d)', async (memory) => {
  const store = new TensorStore({ memory, folder });
  const first = await store.keep(float32([2], [1, 2]));
  const second = await store.keep(float32([2], [3, 4]));
  await first.write(float32([2], [5, 6]));
  expect(await first.read()).toEqual(float32([2], [5, 6]));
  expect(await second.read()).toEqual(float32([2], [3, 4]));
  await store.dispose();
});

test('a store that spilled nothing makes no file, and may be disposed of twice', async () => {
  const store = new TensorStore({ folder: join(folder, 'gone') });
  await store.keep(float32([1], [1]));
  expect(store.spilled).toBe(0);
  await store.dispose();
  await store.dispose();
});

test('a file that cannot be made is a typed error, and disposing is quiet', async () => {
  const store = new TensorStore({ memory: 0, folder: join(folder, 'gone') });
  await expect(store.keep(float32([1], [1]))).rejects.toMatchObject({ code: 'channels/spill' });
  await store.dispose();
});
