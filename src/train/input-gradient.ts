import { appendGradients } from '../autodiff/index.ts';
import { Builder, modelOf, subgraph } from '../graph/index.ts';
import { type Graph, sizeOf, type TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { argmax, fixedBatchSize } from './predict.ts';
import { traceLoss } from './step.ts';

/** The gradient of a classifier's loss by its input. The weights are constants. */
export interface InputGradient {
  /** Samples of a run. */
  readonly batchSize: number;
  /**
   * Runs a batch forward and back.
   *
   * @param x - samples, dims [batchSize, ...sample]
   * @param labels - the class that the loss asks of each sample, dims [batchSize]
   */
  run(x: Float32Array, labels: Int32Array): Promise<InputGradientResult>;
  dispose(): Promise<void>;
}

export interface InputGradientResult {
  /** The class that the network says of each sample. */
  readonly called: Int32Array;
  /** Gradient of the sum of the samples' cross-entropies by the samples, dims of `x`. */
  readonly gradient: Float32Array;
}

/**
 * Builds the graph of a classifier's cross-entropy and its gradient by the input.
 *
 * No gradient of a weight is in the graph, so that ONNX Runtime folds and packs the weights as it does
 * for inference.
 *
 * @throws AutodiffError where no gradient passes from the scores to the input
 */
export async function inputGradient(
  runtime: Runtime,
  graph: Graph,
  settings: {
    readonly input: string;
    /** The value with the logits, dims [batch, classes]. */
    readonly logits: string;
    /** Dims of one sample. */
    readonly sample: readonly number[];
    readonly classes: number;
    /** The batch size, where the graph takes any. */
    readonly batchSize: number;
  },
): Promise<InputGradient> {
  const { input, logits, sample } = settings;
  const rows = fixedBatchSize(graph, input) ?? settings.batchSize;
  const { traced, labels, weights, loss } = await traceLoss(runtime, graph, {
    ...settings,
    batchSize: rows,
    parameters: [],
  });
  const b = new Builder(traced.graph);
  const gradient = appendGradients(b, traced, loss, [input]).get(input) as string;
  const outputs = [logits, gradient].map((name) => ({ name }));
  const session = await runtime.open(modelOf(subgraph(b.build(outputs), [], outputs)));
  const dims = [rows, ...sample];
  const each = sizeOf(sample);
  const ones = new Float32Array(rows).fill(1);

  async function runRows(x: Float32Array, y: Int32Array): Promise<InputGradientResult> {
    const results = await session.run({
      [input]: { type: 'float32', dims, data: x },
      [labels]: { type: 'int64', dims: [rows], data: BigInt64Array.from(y, BigInt) },
      [weights]: { type: 'float32', dims: [rows], data: ones },
    });
    const { data } = results[gradient] as TensorOf<'float32'>;
    // The graph's loss is the mean of the rows.
    return {
      called: argmax(results[logits] as TensorOf<'float32'>),
      gradient: data.map((value) => value * rows),
    };
  }

  return {
    batchSize: settings.batchSize,
    async run(x, y) {
      if (rows === y.length) return runRows(x, y);
      const called = new Int32Array(y.length);
      const whole = new Float32Array(x.length);
      for (let from = 0; from < y.length; from += rows) {
        // The last rows of a graph with a fixed batch size are filled up with those before them.
        const start = Math.max(0, Math.min(from, y.length - rows));
        const part = await runRows(
          x.subarray(start * each, (start + rows) * each),
          y.subarray(start, start + rows),
        );
        called.set(part.called, start);
        whole.set(part.gradient, start * each);
      }
      return { called, gradient: whole };
    },
    dispose: () => session.dispose(),
  };
}
