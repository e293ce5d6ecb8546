/** Decay of the mean and of the mean square. The search is short, so both forget soon. */
const [BETA1, BETA2] = [0.9, 0.97];

/** Adam (Kingma and Ba, ICLR 2015) without bias correction, on values in place. */
export class Adam {
  private readonly mean: Float64Array;
  private readonly square: Float64Array;
  private readonly rate: number;

  constructor(length: number, rate: number) {
    this.mean = new Float64Array(length);
    this.square = new Float64Array(length);
    this.rate = rate;
  }

  step(values: Float64Array, gradient: Float64Array): void {
    const { mean, square, rate } = this;
    for (let at = 0; at < values.length; at += 1) {
      const g = gradient[at] as number;
      const m = BETA1 * (mean[at] as number) + (1 - BETA1) * g;
      const v = BETA2 * (square[at] as number) + (1 - BETA2) * g * g;
      mean[at] = m;
      square[at] = v;
      values[at] = (values[at] as number) - (rate * m) / (Math.sqrt(v) + 1e-12);
    }
  }

  /** The same for some of `count` rows of the values. */
  rows(kept: readonly number[], count: number): Adam {
    const width = this.mean.length / count;
    const part = new Adam(kept.length * width, this.rate);
    part.mean.set(takeRows(this.mean, kept, width));
    part.square.set(takeRows(this.square, kept, width));
    return part;
  }
}

/** Some rows of a matrix, in their order. */
export function takeRows(
  matrix: Float64Array,
  rows: readonly number[],
  width: number,
): Float64Array {
  const taken = new Float64Array(rows.length * width);
  for (const [to, row] of rows.entries()) {
    taken.set(matrix.subarray(row * width, (row + 1) * width), to * width);
  }
  return taken;
}
