import { sizeOf } from '../onnx/tensor.ts';
import type { Dataset } from './dataset.ts';
import { random } from './random.ts';

/** Samples that are run together. The rows from `count` on are padding. */
export interface Batch {
  /** [rows, ...sample], row-major. */
  readonly x: Float32Array;
  /** [rows], true labels; a row of padding has a sample of the first batch, which is a valid input. */
  readonly y: Int32Array;
  /** [rows], 1 for a sample and 0 for padding. */
  readonly weights: Float32Array;
  /** How many rows are samples. */
  readonly count: number;
  /** The dims of x: [rows, ...sample]. */
  readonly dims: readonly number[];
}

export interface BatchOptions {
  readonly batchSize: number;
  /** The indices of the samples, in order; default: all, in the order of the data. See `epochOrder`. */
  readonly order?: ArrayLike<number> | undefined;
  /**
   * Whether to pad the last batch to `batchSize` with rows of weight 0, for a graph with a fixed batch size.
   * Default true; otherwise the last batch may have fewer rows.
   */
  readonly pad?: boolean | undefined;
}

/** All indices in random order, which depends on seed and epoch. */
export function epochOrder(length: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  return random(seed, `epoch/${epoch}`).shuffle(order);
}

/**
 * Reads a data set batch by batch.
 *
 * Two sets of buffers alternate: a batch stays valid while the next one is read, and is overwritten by the
 * one after that. A caller may prefetch one batch; to keep more, copy them.
 */
export async function* batches(
  dataset: Dataset,
  { batchSize, order, pad = true }: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize ${batchSize}: must be an integer of at least 1`);
  }
  const all = order ?? inOrder(dataset.length);
  const size = sizeOf(dataset.sample);
  const buffers = [0, 1].map(() => ({
    x: new Float32Array(batchSize * size),
    y: new Int32Array(batchSize),
    weights: new Float32Array(batchSize),
  }));
  for (let start = 0, turn = 0; start < all.length; start += batchSize, turn ^= 1) {
    const count = Math.min(batchSize, all.length - start);
    const rows = pad ? batchSize : count;
    const { x, y, weights } = buffers[turn] as (typeof buffers)[number];
    // Padding repeats the first samples: copies of a single one would distort BatchNormalization.
    const indices = Uint32Array.from(
      { length: rows },
      (_, row) => all[(start + row) % all.length] as number,
    );
    await dataset.read(indices, x);
    for (let row = 0; row < rows; row++) {
      y[row] = dataset.labels[indices[row] as number] as number;
      weights[row] = row < count ? 1 : 0;
    }
    yield {
      x: x.subarray(0, rows * size),
      y: y.subarray(0, rows),
      weights: weights.subarray(0, rows),
      count,
      dims: [rows, ...dataset.sample],
    };
  }
}

const inOrder = (length: number): Uint32Array => Uint32Array.from({ length }, (_, i) => i);
