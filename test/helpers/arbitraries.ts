import * as fc from 'fast-check';

/** Settings of property tests that open ONNX Runtime sessions: few cases, always the same. */
export const FEW = { seed: 1, numRuns: 12 };

export function dims(
  options: { min?: number | undefined; max?: number | undefined } = {},
): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 4 }), {
    minLength: options.min ?? 0,
    maxLength: options.max ?? 4,
  });
}

/** Dims of operands that broadcast: with axes of length 1 and missing leading axes. */
export function broadcastable(operands: number): fc.Arbitrary<number[][]> {
  const shrunk = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
  const operand = fc.tuple(shrunk, fc.integer({ min: 0, max: 4 }));
  return fc
    .tuple(dims({ min: 1 }), fc.array(operand, { minLength: operands, maxLength: operands }))
    .map(([whole, each]) =>
      each.map(([ones, missing]) =>
        whole.map((dim, axis) => (ones[axis] ? 1 : dim)).slice(Math.min(missing, whole.length)),
      ),
    );
}

export const seeds = fc.integer({ min: 1, max: 1e6 });
