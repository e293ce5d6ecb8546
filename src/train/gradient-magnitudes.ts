import { appendGradients } from '../autodiff/index.ts';
import { type Augment, batches, type Dataset, epochOrder, random } from '../data/index.ts';
import { Builder, modelOf, subgraph } from '../graph/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { checkSettings } from './check.ts';
import { fixedBatchSize } from './predict.ts';
import { type LossSettings, traceLoss } from './step.ts';

export interface GradientOptions extends Omit<LossSettings, 'sample' | 'classes'> {
  /** Number of batches to use; all by default. */
  readonly batches?: number | undefined;
  /** Seed of the order of the samples. */
  readonly seed: number;
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Mean magnitudes of a parameter's gradient over batches, for each element. */
export interface GradientMagnitudes {
  /** Mean of |g|. */
  readonly absolute: Float64Array;
  /** Mean of g². */
  readonly square: Float64Array;
}

/**
 * Measures the mean loss and the gradient magnitudes of a network on a data set. The weights do not
 * change.
 *
 * @throws TrainError for a setting out of range; AutodiffError where a parameter has no gradient
 */
export async function gradientMagnitudes(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  settings: GradientOptions,
): Promise<{ readonly loss: number; readonly sizes: ReadonlyMap<string, GradientMagnitudes> }> {
  checkSettings(settings);
  const { parameters, seed, signal } = settings;
  const batchSize = fixedBatchSize(graph, settings.input) ?? settings.batchSize;
  const { traced, labels, weights, loss } = await traceLoss(runtime, graph, {
    ...settings,
    batchSize,
    sample: dataset.sample,
    classes: dataset.classes.length,
  });
  const b = new Builder(traced.graph);
  const gradients = appendGradients(b, traced, loss, parameters);
  const outputs = [loss, ...gradients.values()].map((name) => ({ name }));
  const session = await runtime.open(modelOf(subgraph(b.build(outputs), [], outputs)));
  const sizes = new Map(
    parameters.map((name) => {
      const { length } = (graph.initializers.get(name) as TensorOf<'float32'>).data;
      return [name, { absolute: new Float64Array(length), square: new Float64Array(length) }];
    }),
  );
  try {
    const order = epochOrder(dataset.length, seed, 1).subarray(
      0,
      (settings.batches ?? Infinity) * batchSize,
    );
    const draw = random(seed, 'augment/1');
    let sum = 0;
    for await (const batch of batches(dataset, { batchSize, order })) {
      signal?.throwIfAborted();
      settings.augment?.(batch.x, dataset.sample, draw);
      const results = await session.run({
        [settings.input]: { type: 'float32', dims: batch.dims, data: batch.x },
        [labels]: { type: 'int64', dims: [batchSize], data: BigInt64Array.from(batch.y, BigInt) },
        [weights]: { type: 'float32', dims: [batchSize], data: batch.weights },
      });
      const share = batch.count / order.length;
      sum += share * ((results[loss] as TensorOf<'float32'>).data[0] as number);
      for (const [name, { absolute, square }] of sizes) {
        const { data } = results[gradients.get(name) as string] as TensorOf<'float32'>;
        // A loop: a callback for each element takes several times as long.
        for (let at = 0; at < data.length; at += 1) {
          const value = data[at] as number;
          absolute[at] = (absolute[at] as number) + share * Math.abs(value);
          square[at] = (square[at] as number) + share * value * value;
        }
      }
    }
    return { loss: sum, sizes };
  } finally {
    await session.dispose();
  }
}
