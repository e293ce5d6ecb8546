import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OnnxError } from './error.ts';
import { readModel } from './file.ts';
import { fileWith, golden, node } from '../../test/helpers/onnx.ts';
import { float32 } from './tensor.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fineprune-'));
  folder = join(root, 'model');
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true }));

type Entries = Readonly<Record<string, string>>;

/** Writes a model with a weight of two floats in other files, once for each list of entries. */
async function withExternal(...tensors: Entries[]): Promise<string> {
  const path = join(folder, 'm.onnx');
  const initializer = tensors.map((entries, i) => ({
    name: `w${i}`,
    dataType: 1,
    dims: [2n],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  }));
  await writeFile(path, fileWith({ node: [node('Relu', ['x'], ['y'])], initializer }));
  return path;
}

async function refusal(path: string): Promise<string> {
  const error = await readModel(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof OnnxError) return error.code;
  throw new Error(`not refused with a typed error but: ${String(error)}`);
}

const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

test('a file is read with its digest', async () => {
  const path = join(folder, 'cnn.onnx');
  await writeFile(path, golden('cnn'));
  const file = await readModel(path);
  expect(file.sha256).toBe(createHash('sha256').update(golden('cnn')).digest('hex'));
  expect(file.path).toBe(path);
  expect(file.model.graph.nodes.length).toBe(6);
});

test('an unreadable file is refused with its path', async () => {
  await expect(readModel(join(folder, 'none.onnx'))).rejects.toThrow(/none\.onnx cannot be read/);
  expect(await refusal(join(folder, 'none.onnx'))).toBe('onnx/unreadable');
  expect(await refusal(folder)).toBe('onnx/unreadable');
});

test('a file above the limit of protobuf is refused before it is read', async () => {
  const path = join(folder, 'big.onnx');
  await writeFile(path, '');
  await truncate(path, 2 ** 31);
  expect(await refusal(path)).toBe('onnx/too-large');
});

describe('external data', () => {
  test('is read at its offset, also from a folder below', async () => {
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data', 'w.bin'), weights);
    const path = await withExternal(
      { location: 'data/w.bin', offset: '8', length: '8' },
      { location: './data/w.bin' },
    );
    const { graph } = (await readModel(path)).model;
    expect(graph.initializers.get('w0')).toEqual(float32([2], [3, 4]));
    expect(graph.initializers.get('w1')).toEqual(float32([2], [1, 2]));
  });

  test('outside the folder of the model is not read', async () => {
    await writeFile(join(root, 'secret'), weights);
    await symlink(join(root, 'secret'), join(folder, 'link'));
    await symlink(root, join(folder, 'up'));
    await writeFile(join(folder, 'w.bin'), weights);
    for (const location of [
      join(root, 'secret'),
      '../secret',
      'sub/../../secret',
      '..\\secret',
      'C:\\secret',
      'C:secret',
      '\\\\host\\share',
      'link',
      'up/secret',
      'w.bin\0',
      '..',
    ]) {
      expect([location, await refusal(await withExternal({ location }))]).toEqual([
        location,
        'onnx/external-outside',
      ]);
    }
  });

  test('by a link that stays inside is read', async () => {
    await writeFile(join(folder, 'w.bin'), weights);
    await symlink('w.bin', join(folder, 'link'));
    const { graph } = (await readModel(await withExternal({ location: 'link' }))).model;
    expect(graph.initializers.get('w0')).toEqual(float32([2], [1, 2]));
  });

  test('that is missing, or not a file, is named', async () => {
    expect(await refusal(await withExternal({ location: 'none' }))).toBe('onnx/external-missing');
    await mkdir(join(folder, 'sub'));
    expect(await refusal(await withExternal({ location: 'sub' }))).toBe('onnx/external-missing');
  });

  test('beyond the end of its file is refused', async () => {
    await writeFile(join(folder, 'w.bin'), weights);
    const path = await withExternal({ location: 'w.bin', offset: '12' });
    expect(await refusal(path)).toBe('onnx/external-range');
    await expect(readModel(path)).rejects.toThrow('which has only 16');
  });

  test('read repeatedly, to fill the memory, is refused', async () => {
    await writeFile(join(folder, 'w.bin'), weights);
    const path = await withExternal(...Array.from({ length: 3 }, () => ({ location: 'w.bin' })));
    expect(await refusal(path)).toBe('onnx/external-range');
  });
});
