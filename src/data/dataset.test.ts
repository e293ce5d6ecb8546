import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrayDataset, concat, relabel, subset } from './dataset.ts';
import { digest } from './digest.ts';
import { numbered, origins } from '../../test/helpers/data.ts';

const code = (code: string): unknown => expect.objectContaining({ code });

describe('a data set in memory', () => {
  test('writes the samples asked for, in order, and leaves the rest alone', async () => {
    const into = new Float32Array(13).fill(-1);
    await numbered([0, 1, 2]).read([2, 0, 2], into);
    expect([...into]).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11, -1]);
  });

  test('divides bytes as float32 division does', async () => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const labels = new Int32Array(256);
    const bytes = arrayDataset({
      name: 'bytes',
      classes: ['a'],
      sample: [1],
      labels,
      data,
      divisor: 255,
    });
    const into = new Float32Array(256);
    await bytes.read(data, into);
    for (const i of data) expect(into[i]).toBe(Math.fround(i / 255));
    const floats = arrayDataset({ ...bytes, data: Float32Array.from(data), divisor: 255 });
    const again = new Float32Array(256);
    await floats.read(data, again);
    expect(again).toEqual(into);
  });

  test('refuses data that do not fit and labels that are no class', () => {
    const parts = { name: 'bad', classes: ['a', 'b'], sample: [2], data: new Float32Array(4) };
    expect(() => arrayDataset({ ...parts, labels: Int32Array.of(0) })).toThrow(code('data/size'));
    expect(() => arrayDataset({ ...parts, labels: Int32Array.of(0, 2) })).toThrow(
      'bad: sample 1 has label 2, but there are 2 classes',
    );
    expect(() => arrayDataset({ ...parts, labels: Int32Array.of(-1, 0) })).toThrow(
      code('data/label'),
    );
  });

  test('refuses an index outside, and a short buffer', async () => {
    const data = numbered([0, 0]);
    const room = new Float32Array(8);
    for (const index of [2, -1, 0.5, Number.NaN]) {
      await expect(data.read([index], room)).rejects.toThrow(code('data/index'));
    }
    await expect(data.read([0, 1], new Float32Array(7))).rejects.toThrow(code('data/index'));
  });
});

describe('wrappers', () => {
  test('a subset of a subset reads the right samples and labels', async () => {
    const outer = subset(numbered([0, 1, 2, 3, 4]), [4, 2, 0, 2], 'outer');
    const inner = subset(outer, [3, 0]);
    expect(inner.name).toBe('outer');
    expect([...inner.labels]).toEqual([2, 4]);
    expect(await origins(inner)).toEqual([2, 4]);
    await expect(inner.read([2], new Float32Array(4))).rejects.toThrow(code('data/index'));
    expect(() => subset(inner, [2])).toThrow(code('data/index'));
  });

  test('a concatenation reads like its parts, in any order', async () => {
    const whole = numbered(Array.from({ length: 12 }, (_, i) => i % 3));
    const part = (from: number, to: number) =>
      subset(
        whole,
        Array.from({ length: to - from }, (_, i) => from + i),
        `${from}`,
      );
    // An empty part in the middle is passed over.
    const joined = concat([part(0, 2), part(2, 9), part(9, 9), part(9, 12)]);
    expect(joined.name).toBe('0+2+9+9');
    expect(joined.labels).toEqual(whole.labels);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(11)), async (indices) => {
        const a = new Float32Array(4 * indices.length);
        const b = a.slice();
        await whole.read(indices, a);
        await joined.read(indices, b);
        expect(b).toEqual(a);
      }),
    );
  });

  test('only like data can be concatenated', () => {
    expect(() => concat([numbered([0, 1]), numbered([0, 1, 2])])).toThrow(code('data/mismatch'));
    expect(() => concat([])).toThrow(code('data/mismatch'));
  });

  test('relabeled data keep their samples', async () => {
    const data = numbered([0, 1, 0]);
    const made = relabel(data, Int32Array.of(1, 0, 1));
    expect([...made.labels]).toEqual([1, 0, 1]);
    expect([...data.labels]).toEqual([0, 1, 0]);
    expect(await origins(made)).toEqual([0, 1, 2]);
    expect(() => relabel(data, Int32Array.of(1))).toThrow(code('data/size'));
    expect(() => relabel(data, Int32Array.of(0, 0, 5))).toThrow(code('data/label'));
  });
});

describe('the digest', () => {
  test('is SHA-256 of the labels and then the floats', async () => {
    const bytes = Buffer.alloc(2 * 4 + 8 * 4);
    bytes.writeInt32LE(1, 0);
    bytes.writeInt32LE(0, 4);
    for (let i = 0; i < 8; i++) bytes.writeFloatLE(i, 8 + 4 * i);
    const due = createHash('sha256').update(bytes).digest('hex');
    expect(await digest(numbered([1, 0]))).toBe(due);
  });

  test('is the same over many chunks', async () => {
    const length = 11;
    const size = 2 ** 17;
    const data = Float32Array.from({ length: length * size }, (_, i) => i % 1009);
    const labels = new Int32Array(length);
    const large = arrayDataset({ name: 'large', classes: ['a'], sample: [size], labels, data });
    const due = createHash('sha256')
      .update(Buffer.from(labels.buffer))
      .update(Buffer.from(data.buffer))
      .digest('hex');
    expect(await digest(large)).toBe(due);
  });
});
