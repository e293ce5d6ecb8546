import { describe, expect, test } from 'vitest';
import { parseIdx } from './idx.ts';

const file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

describe('an IDX file', () => {
  test('gives its dims and bytes', () => {
    const { dims, data } = parseIdx(Uint8Array.from(file), 'file');
    expect(dims).toEqual([2, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('may lie anywhere in a larger buffer', () => {
    const buffer = Uint8Array.from([9, ...file]).subarray(1);
    expect(parseIdx(buffer, 'file').dims).toEqual([2, 3]);
  });

  test.each([
    ['empty', [], 'data/truncated'],
    ['cut in its header', file.slice(0, 10), 'data/truncated'],
    ['cut in its data', file.slice(0, -1), 'data/truncated'],
    ['too long', [...file, 7], 'data/size'],
    ['gzip', [0x1f, 0x8b, 8, 0, ...file], 'data/magic'],
    ['of floats', [0, 0, 0x0d, ...file.slice(3)], 'data/magic'],
    ['of rank 0', [0, 0, 8, 0, 5], 'data/magic'],
    // 2^32 - 1 squared must fail before memory is taken.
    ['of a huge size', [0, 0, 8, 2, ...Array<number>(8).fill(255)], 'data/truncated'],
  ])('that is %s is refused', (_, bytes, code) => {
    expect(() => parseIdx(Uint8Array.from(bytes), 'some-file')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('some-file') as string }),
    );
  });
});
