import { describe, test } from 'vitest';
import { gradcheck, offZero, uniform } from '../../test/helpers/gradcheck.ts';

/** Operators that ONNX Runtime has in float32 only. */
const single = new Set(['Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh']);

describe('elementary functions', () => {
  test.each([
    ['Abs', -2, 2],
    ['Sqrt', 0.2, 3],
    ['Reciprocal', 0.3, 3],
    ['Exp', -2, 2],
    ['Log', 0.3, 3],
    ['Sin', -4, 4],
    ['Cos', -4, 4],
    ['Tan', -1.2, 1.2],
    ['Asin', -0.8, 0.8],
    ['Acos', -0.8, 0.8],
    ['Atan', -3, 3],
    ['Sinh', -2, 2],
    ['Cosh', -2, 2],
    ['Asinh', -3, 3],
    ['Acosh', 1.3, 4],
    ['Atanh', -0.8, 0.8],
  ])('%s', async (op, low, high) => {
    const type = single.has(op) ? 'float32' : 'float64';
    const x = op === 'Abs' ? offZero([3, 5]) : uniform([3, 5], 7, low, high);
    await gradcheck(
      { type, inputs: { x }, build: (b, { x }) => b.op(op, [x]) },
      type === 'float32' ? 2e-4 : 1e-8,
    );
  });
});
