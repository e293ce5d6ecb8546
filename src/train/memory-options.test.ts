import { describe, expect, test } from 'vitest';
import { memoryOptions } from './memory-options.ts';

const MIB = 2 ** 20;
const small = [{ type: 'float32', dims: [31, MIB / 4] }];
const large = [
  { type: 'float32', dims: [16, MIB / 4] },
  { type: 'float32', dims: [16, MIB / 4] },
];

describe('memoryOptions', () => {
  test('small networks keep the defaults', () => {
    expect(memoryOptions(small)).toEqual({});
    expect(memoryOptions(small, true)).toEqual({});
  });

  test('networks with 32 MiB of weights or more keep no memory between runs', () => {
    expect(memoryOptions(large)).toEqual({ memoryPattern: false, memoryArena: false });
  });

  test('only float32 tensors count', () => {
    expect(memoryOptions([...small, { type: 'int64', dims: [MIB] }])).toEqual({});
  });

  test('short-lived sessions of large networks are not optimized', () => {
    expect(memoryOptions(large, true)).toEqual({
      memoryPattern: false,
      memoryArena: false,
      optimize: 'none',
    });
  });
});
