import { floatOf, intOf } from '../graph/index.ts';
import { reshape, sumTo, transpose } from './emit.ts';
import type { Operator, Tape } from './rule.ts';

/** Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY; leading axes broadcast. */
export const matMul: Operator = {
  gradient: (t) => {
    const [a, b] = t.x as [string, string];
    const dimsA = t.dims(a);
    const dimsB = t.dims(b);
    // A vector is a matrix of one row (left) or one column (right).
    const rowsA = dimsA.length === 1 ? [1, ...dimsA] : dimsA;
    const colsB = dimsB.length === 1 ? [...dimsB, 1] : dimsB;
    const lead = t.dims(t.y[0] as string).slice(0, Math.max(rowsA.length, colsB.length) - 2);
    const matrix = [...lead, rowsA.at(-2) as number, colsB.at(-1) as number];
    const dy =
      dimsA.length === 1 || dimsB.length === 1
        ? reshape(t, t.dy[0] as string, matrix)
        : (t.dy[0] as string);
    const asA = dimsA.length === 1 ? reshape(t, a, rowsA) : a;
    const asB = dimsB.length === 1 ? reshape(t, b, colsB) : b;
    const back = (
      gradient: string,
      matrix: readonly number[],
      own: readonly number[],
      to: readonly number[],
    ) => {
      const summed = sumTo(t, gradient, matrix, own);
      return own.length === to.length ? summed : reshape(t, summed, to);
    };
    const [m, k] = rowsA.slice(-2) as [number, number];
    const n = colsB.at(-1) as number;
    // A stack of matrices times one: its gradient is one product over all rows, not a sum of many.
    if (colsB.length === 2 && rowsA.length > 2) {
      const flat = (value: string, width: number) => reshape(t, value, [-1, width]);
      return [
        t.wants(0) ? t.op('MatMul', [dy, swapLast(t, asB, 2)]) : undefined,
        t.wants(1) ? back(across(t, flat(asA, k), flat(dy, n)), [k, n], colsB, dimsB) : undefined,
      ];
    }
    const byB = () =>
      matrix.length === 2
        ? across(t, asA, dy)
        : t.op('MatMul', [swapLast(t, asA, rowsA.length), dy]);
    return [
      t.wants(0)
        ? back(t.op('MatMul', [dy, swapLast(t, asB, colsB.length)]), [...lead, m, k], rowsA, dimsA)
        : undefined,
      t.wants(1) ? back(byB(), [...lead, k, n], colsB, dimsB) : undefined,
    ];
  },
};

/** A'·B of two matrices, as one operator: what ONNX Runtime fuses loses its place in the order. */
function across(t: Tape, a: string, b: string): string {
  return t.op('Gemm', [a, b], { transA: 1 });
}

function swapLast(t: Tape, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  return transpose(t, value, [...perm.slice(0, -2), rank - 1, rank - 2]);
}

/** Y = α A'·B' + β C, where ' is a transposition by attribute. */
export const gemm: Operator = {
  gradient: (t) => {
    const [a, b, c] = t.x as [string, string, string?];
    const dy = t.dy[0] as string;
    const alpha = floatOf(t.node, 'alpha', 1);
    const beta = floatOf(t.node, 'beta', 1);
    const transA = intOf(t.node, 'transA', 0);
    const transB = intOf(t.node, 'transB', 0);
    const product = (left: string, transLeft: number, right: string, transRight: number) =>
      t.op('Gemm', [left, right], {
        transA: transLeft,
        transB: transRight,
        ...(alpha !== 1 && { alpha: { float: alpha } }),
      });
    const scaled = beta === 1 ? dy : t.op('Mul', [dy, t.scalar(beta)]);
    return [
      t.wants(0) ? (transA ? product(b, transB, dy, 1) : product(dy, 0, b, 1 - transB)) : undefined,
      t.wants(1) ? (transB ? product(dy, 1, a, transA) : product(a, 1 - transA, dy, 0)) : undefined,
      c && t.wants(2) ? sumTo(t, scaled, t.dims(t.y[0] as string), t.dims(c)) : undefined,
    ];
  },
};
