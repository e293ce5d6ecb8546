import { describe, test } from 'vitest';
import { distinct, gradcheck, normal } from '../../test/helpers/gradcheck.ts';
import { int64 } from '../onnx/index.ts';

describe('CumSum', () => {
  test.each([
    [0, 0, 0],
    [1, 0, 1],
    [-1, 1, 0],
    [2, 1, 1],
  ])('along axis %i, exclusive %i, reverse %i', async (axis, exclusive, reverse) => {
    await gradcheck(
      {
        inputs: { x: normal([3, 2, 4]) },
        build: (b, { x }) =>
          b.op('CumSum', [x, b.constant(int64([], [axis]))], { exclusive, reverse }),
      },
      1e-8,
    );
  });
});

describe('TopK', () => {
  test.each([
    [-1, 1, 2, 1],
    [0, 0, 2, 1],
    [1, 1, 3, 0],
    [2, 1, 1, 0],
  ])('along axis %i, largest %i, of %i, sorted %i', async (axis, largest, k, sorted) => {
    await gradcheck(
      {
        inputs: { x: distinct([3, 4, 2]) },
        build: (b, { x }) =>
          b.ops('TopK', [x, b.ints([k])], { axis, largest, sorted }, 2)[0] as string,
      },
      1e-8,
    );
  });
});
