import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModel, sha256Of } from './file.ts';
import { patchModel } from './patch.ts';
import { externalDataSizes, saveModel } from './save.ts';
import { fileWith, node } from '../../test/helpers/onnx.ts';
import { float32 } from './tensor.ts';

let root = '';
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'fineprune-save-'))));
afterEach(() => rm(root, { recursive: true }));

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

const place = (name: string, location: string, offset: number) => ({
  name,
  dataType: 1,
  dims: [2n],
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: Object.entries({ location, offset: String(offset), length: '8' }).map(
    ([key, value]) => ({ key, value }),
  ),
});

/** A model with `a` and `b` in `sub/w.bin`, `c` in `v.bin`, and the file with other values of `a` and `c`. */
async function patched(folder: string) {
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(folder, 'sub', 'w.bin'), bytesOf(1, 2, 3, 4));
  await writeFile(join(folder, 'v.bin'), bytesOf(5, 6));
  const path = join(folder, 'given.onnx');
  const initializer = [
    place('a', 'sub/w.bin', 0),
    place('b', 'sub/w.bin', 8),
    place('c', 'v.bin', 0),
  ];
  await writeFile(path, fileWith({ node: [node('Relu', ['x'], ['y'])], initializer }));
  const file = await readModel(path);
  const changes = new Map([
    ['a', float32([2], [7, 8])],
    ['c', float32([2], [9, 9])],
  ]);
  return { file, path, bytes: patchModel(file.bytes, changes, {}, new Map()) };
}

const valuesIn = async (path: string) =>
  Object.fromEntries(
    [...(await readModel(path)).model.graph.initializers].map(([name, { data }]) => [
      name,
      [...data],
    ]),
  );

test('a file lists the external data that it was read with', async () => {
  const { file, bytes } = await patched(root);
  expect(file.data).toEqual([
    { path: 'sub/w.bin', sha256: sha256Of(bytesOf(1, 2, 3, 4)) },
    { path: 'v.bin', sha256: sha256Of(bytesOf(5, 6)) },
  ]);
  expect([...externalDataSizes(file.bytes)]).toEqual([
    ['sub/w.bin', 16],
    ['v.bin', 8],
  ]);
  expect([...externalDataSizes(bytes)]).toEqual([['sub/w.bin', 8]]);
});

test('only the data that a model still reads are copied to another folder', async () => {
  const { path, bytes } = await patched(join(root, 'from'));
  await mkdir(join(root, 'to'));
  const to = join(root, 'to', 'repaired.onnx');
  await saveModel(to, bytes, { from: path, force: false });
  expect((await readdir(join(root, 'to'), { recursive: true })).toSorted()).toEqual([
    'repaired.onnx',
    'sub',
    join('sub', 'w.bin'),
  ]);
  expect(await valuesIn(to)).toEqual({ a: [7, 8], b: [3, 4], c: [9, 9] });
});

test('data in the same folder do not change', async () => {
  const { path, bytes } = await patched(root);
  await saveModel(join(root, 'repaired.onnx'), bytes, { from: path, force: false });
  expect(await valuesIn(join(root, 'repaired.onnx'))).toEqual({ a: [7, 8], b: [3, 4], c: [9, 9] });
  expect(await valuesIn(path)).toEqual({ a: [1, 2], b: [3, 4], c: [5, 6] });
});

test('different data are overwritten only with force; equal data are accepted', async () => {
  const { path, bytes } = await patched(join(root, 'from'));
  const other = join(root, 'to', 'sub', 'w.bin');
  await mkdir(join(root, 'to', 'sub'), { recursive: true });
  await writeFile(other, bytesOf(0, 0, 0, 0));
  const save = (name: string, force: boolean) =>
    saveModel(join(root, 'to', name), bytes, { from: path, force });
  await expect(save('a.onnx', false)).rejects.toMatchObject({ code: 'file/exists' });
  expect(await readdir(join(root, 'to'))).toEqual(['sub']);
  await save('a.onnx', true);
  await save('b.onnx', false);
  expect(await valuesIn(join(root, 'to', 'b.onnx'))).toMatchObject({ b: [3, 4] });
  expect(new Uint8Array(await readFile(other))).toEqual(bytesOf(1, 2, 3, 4));
});

test('a model never overwrites its data', async () => {
  const { file, path } = await patched(join(root, 'from'));
  await expect(
    saveModel(join(root, 'v.bin'), file.bytes, { from: path, force: true }),
  ).rejects.toThrow(/is also the name of a data file/);
});
