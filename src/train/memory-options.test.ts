import { describe, expect, test } from 'vitest';
import { memoryOptions } from './memory-options.ts';

const MIB = 2 ** 20;
const small = [{ type: 'float32', dims: [31, MIB / 4] }];
const large = [
  { type: 'float32', dims: [16, MIB / 4] },
  { type: 'float32', dims: [16, MIB / 4] },
];

describe('how a session is opened', () => {
  test('a network of little weight has all that makes it fast', () => {
    expect(memoryOptions(small)).toEqual({});
    expect(memoryOptions(small, true)).toEqual({});
  });

  test('from 32 MiB of weights, in however many pieces, nothing is kept between runs', () => {
    expect(memoryOptions(large)).toEqual({ memoryPattern: false, memoryArena: false });
  });

  test('only numbers of weights count', () => {
    expect(memoryOptions([...small, { type: 'int64', dims: [MIB] }])).toEqual({});
  });

  test('weights that change after few samples are not laid out anew', () => {
    expect(memoryOptions(large, true)).toEqual({
      memoryPattern: false,
      memoryArena: false,
      optimize: 'none',
    });
  });
});
