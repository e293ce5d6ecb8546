/** After so many squarings the error is below 1e-12 of the result. */
const SQUARINGS = 42;

/**
 * The largest singular value of a matrix, row-major.
 *
 * It is the square root of the largest eigenvalue λ of the smaller Gram matrix G. The trace of G^(2^k) is
 * between λ^(2^k) and n times that, so its 2^k-th root converges to λ, however close other eigenvalues are.
 */
export function spectralNorm(data: Float64Array, rows: number, columns: number): number {
  let gram = gramOf(data, rows, columns);
  const n = Math.min(rows, columns);
  let logarithm = 0;
  for (let k = 0; k < SQUARINGS; k += 1) {
    let trace = 0;
    for (let i = 0; i < n; i += 1) trace += gram[i * n + i] as number;
    if (!(trace > 0)) return trace;
    logarithm += Math.log(trace) / 2 ** k;
    // The matrix is symmetric: its square is the Gram matrix of its rows.
    gram = gramOf(
      gram.map((value) => value / trace),
      n,
      n,
    );
  }
  return Math.exp(logarithm / 2);
}

/** A Aᵀ, or Aᵀ A where that is smaller. */
function gramOf(data: Float64Array, rows: number, columns: number): Float64Array {
  const [n, inner, step, stride] =
    rows <= columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = 0;
      for (let k = 0; k < inner; k += 1) {
        sum += (data[i * step + k * stride] as number) * (data[j * step + k * stride] as number);
      }
      gram[i * n + j] = sum;
      gram[j * n + i] = sum;
    }
  }
  return gram;
}
