import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataType, Tensor, TensorOf } from '../onnx/index.ts';
import { fromFloat32, toFloat32 } from './precision.ts';

const every16 = Uint16Array.from({ length: 65536 }, (_, index) => index);

const float32Of = (values: ArrayLike<number>): TensorOf<'float32'> => ({
  type: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});

const bitsOf = (value: number, type: DataType) =>
  Number(fromFloat32(float32Of([value]), type).data[0]);

/** What IEEE 754 says of half precision, read off the binary digits. */
function half(bits: number): number {
  const [, sign, exponent, mantissa] = /^(.)(.{5})(.{10})$/.exec(
    bits.toString(2).padStart(16, '0'),
  ) as unknown as [string, string, string, string];
  const s = sign === '1' ? -1 : 1;
  const e = Number.parseInt(exponent, 2);
  const m = Number.parseInt(mantissa, 2);
  if (e === 31) return m ? NaN : s * Infinity;
  return s * 2 ** Math.max(e - 15, -14) * (m / 1024 + Number(e > 0));
}

describe('float16', () => {
  const values = toFloat32({ type: 'float16', dims: [65536], data: every16 }).data as Float32Array;

  it('reads all 65,536 patterns as IEEE 754 defines them', () => {
    const wrong = Array.from(every16).filter((bits) => !Object.is(values[bits], half(bits)));
    expect(wrong).toEqual([]);
  });

  it('writes every number back as its own pattern', () => {
    const back = fromFloat32(float32Of(values), 'float16').data as Uint16Array;
    const wrong = Array.from(every16).filter((bits) => {
      const nan = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
      return nan ? back[bits] !== 0x7e00 : back[bits] !== bits;
    });
    expect(wrong).toEqual([]);
  });

  it('rounds to nearest, ties to even', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (half(bits) + half(bits + 1)) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      // To the neighbors in float32 of the middle, which float32 holds exactly.
      const step = 2 ** (Math.floor(Math.log2(middle)) - 23);
      const written = [middle, middle - step, middle + step, -middle];
      const expected = [even, bits, bits + 1, even | 0x8000];
      if (written.some((value, index) => bitsOf(value, 'float16') !== expected[index])) {
        wrong.push(bits);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('becomes infinite from halfway beyond the largest number, 65504', () => {
    expect(bitsOf(65519.996, 'float16')).toBe(0x7bff);
    expect(bitsOf(65520, 'float16')).toBe(0x7c00);
    expect(bitsOf(-1e20, 'float16')).toBe(0xfc00);
    expect(bitsOf(-Infinity, 'float16')).toBe(0xfc00);
  });

  it('keeps the sign of zero and of values that underflow', () => {
    expect(bitsOf(-0, 'float16')).toBe(0x8000);
    expect(bitsOf(-1e-30, 'float16')).toBe(0x8000);
    expect(bitsOf(2 ** -25, 'float16')).toBe(0);
  });
});

describe('bfloat16', () => {
  it('is the upper half of float32', () => {
    const read = toFloat32({ type: 'bfloat16', dims: [65536], data: every16 });
    const words = new Uint32Array((read.data as Float32Array).buffer);
    const back = fromFloat32(read as TensorOf<'float32'>, 'bfloat16').data as Uint16Array;
    const wrong = Array.from(every16).filter((bits) => {
      const nan = (bits & 0x7fff) > 0x7f80;
      return nan ? back[bits] !== 0x7fc0 : words[bits] !== bits * 65536 || back[bits] !== bits;
    });
    expect(wrong).toEqual([]);
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0x7f7f }),
        fc.integer({ min: 0, max: 65535 }),
        (b, low) => {
          const word = new Uint32Array([b * 65536 + low]);
          const up = low > 32768 || (low === 32768 && b % 2 === 1);
          expect(bitsOf(new Float32Array(word.buffer)[0] as number, 'bfloat16')).toBe(
            b + Number(up),
          );
        },
      ),
    );
  });
});

function narrowed(...values: readonly number[]): number[] {
  const data = Float64Array.from(values);
  return Array.from(toFloat32({ type: 'float64', dims: [values.length], data }).data, Number);
}

describe('float64', () => {
  it('is rounded to float32, and a finite number stays finite', () => {
    expect(narrowed(0.1, -1e308, 1e300)).toEqual([
      Math.fround(0.1),
      -3.4028234663852886e38,
      3.4028234663852886e38,
    ]);
    expect(narrowed(Infinity, -Infinity, NaN)).toEqual([Infinity, -Infinity, NaN]);
  });

  it('holds every float32 exactly', () => {
    fc.assert(
      fc.property(fc.float(), (value) => {
        const wide = fromFloat32(float32Of([value]), 'float64');
        expect(toFloat32(wide).data[0]).toBe(value);
      }),
    );
  });
});

it('does not change other types', () => {
  const tensor: Tensor = { type: 'int64', dims: [1], data: BigInt64Array.of(1n) };
  expect(toFloat32(tensor)).toBe(tensor);
  expect(() => fromFloat32(float32Of([1]), 'int64')).toThrow(TypeError);
});
