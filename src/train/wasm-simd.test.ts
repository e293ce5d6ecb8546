import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, div, compileLoop, allocate, mul, sqrt, sub } from './wasm-simd.ts';

const f = Math.fround;

test('a loop computes formulas at each index, in order, and rounds each operation to float32', () => {
  const memory = allocate(1 << 16);
  const run = compileLoop(memory, { arrays: 3, scalars: 2 }, ({ array, scalar }) => [
    [1, add(mul(array(0), scalar(0)), div(array(1), scalar(1)))],
    [2, sub(sqrt(array(2)), array(1))],
  ]);
  const numbers = fc.float({ noNaN: true, min: f(-1e6), max: f(1e6) });
  const positive = fc.float({ noNaN: true, min: f(0.001), max: f(1e6) });
  const rows = fc.array(fc.tuple(numbers, numbers, positive), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(rows, numbers, positive, (given, s, t) => {
      const length = given.length;
      const arrays = [0, 256, 512].map((at) => new Float32Array(memory.buffer, at, length));
      given.forEach((row, place) =>
        row.forEach((value, at) => ((arrays[at] as Float32Array)[place] = value)),
      );
      run([0, 256, 512], 16 * Math.ceil(length / 4), [s, t]);
      given.forEach(([a, b, c], place) => {
        const second = f(f(a * s) + f(b / t));
        expect(arrays[0]?.[place]).toBe(a);
        expect(arrays[1]?.[place]).toBe(second);
        expect(arrays[2]?.[place]).toBe(f(f(Math.sqrt(c)) - second));
      });
    }),
  );
});

test('a loop leaves the memory after its arrays unchanged', () => {
  const memory = allocate(1);
  const values = new Float32Array(memory.buffer).fill(1);
  const run = compileLoop(memory, { arrays: 1, scalars: 1 }, ({ array, scalar }) => [
    [0, add(array(0), scalar(0))],
  ]);
  run([64], 32, [2]);
  run([64], 0, [2]);
  expect([...values.subarray(14, 26)]).toEqual([1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1]);
});
