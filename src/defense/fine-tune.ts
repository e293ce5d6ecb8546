import { type Dataset, shift } from '../data/index.ts';
import { accuracy, type Rate } from '../metrics/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import {
  copyOf,
  cosine,
  predict,
  train,
  withParameters,
  type OptimiserSettings,
} from '../train/index.ts';
import type { Classifier } from './classifier.ts';
import { DefenseError } from './error.ts';

export interface FineTuneSettings {
  readonly epochs: number;
  readonly batchSize: number;
  /** Learning rate of the first step; it falls to 0 along half a cosine. */
  readonly rate: number;
  readonly optimiser: OptimiserSettings;
  readonly seed: number;
  /** Move images by up to so many pixels, at random; default 0. */
  readonly shift?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

export interface TunedEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly rate: number;
  /** Accuracy on the part of the validation data that is not trained on. */
  readonly held: Rate;
}

export interface FineTuning {
  readonly graph: Graph;
  readonly epochs: readonly TunedEpoch[];
  /** The epoch whose weights were kept; 0 for the weights given. */
  readonly best: number;
}

/**
 * Trains a network on from its weights with clean data (Fine-Pruning, section 3.3). The epoch with
 * the highest accuracy on held data is kept, the last of several that are equal.
 *
 * @param graph - the classifier's graph, pruned or not
 * @param masks - what is held at zero: pruned stays pruned
 * @param tune - clean data to train on
 * @param held - clean data, disjoint from it, to choose the epoch by
 * @throws DefenseError 'defense/diverged' where the weights stop being numbers
 */
export async function fineTune(
  runtime: Runtime,
  classifier: Classifier,
  graph: Graph,
  masks: ReadonlyMap<string, TensorOf<'float32'>>,
  { tune, held }: { readonly tune: Dataset; readonly held: Dataset },
  settings: FineTuneSettings,
): Promise<FineTuning> {
  const { input, scores: logits, parameters } = classifier;
  const epochs: TunedEpoch[] = [];
  let best = { epoch: 0, hits: -1, parameters: new Map<string, TensorOf<'float32'>>() };
  await train(runtime, graph, tune, {
    input,
    logits,
    parameters,
    masks,
    batchSize: settings.batchSize,
    optimiser: settings.optimiser,
    epochs: settings.epochs,
    schedule: cosine(settings.rate),
    seed: settings.seed,
    ...(settings.shift && { augment: shift(settings.shift, tune.pictures) }),
    ...(settings.signal && { signal: settings.signal }),
    ...(settings.onProgress && { onStep: settings.onProgress }),
    async onEpoch({ epoch, loss, rate, parameters }): Promise<'go on'> {
      if (!Number.isFinite(loss) || [...parameters.values()].some(({ data }) => !allFinite(data))) {
        throw new DefenseError(
          'defense/diverged',
          `Fine-tuning diverged in epoch ${epoch} of ${settings.epochs} (loss ${loss}): choose a learning rate below ${settings.rate}`,
        );
      }
      const tuned = withParameters(graph, parameters);
      const predicted = await predict(runtime, tuned, held, { input, logits });
      const now = accuracy(predicted, held.labels);
      epochs.push({ epoch, loss, rate, held: now });
      if (now.hits >= best.hits) best = { epoch, hits: now.hits, parameters: copyOf(parameters) };
      return 'go on';
    },
  });
  return { graph: withParameters(graph, best.parameters), epochs, best: best.epoch };
}

function allFinite(data: Float32Array): boolean {
  return data.every((value) => Number.isFinite(value));
}
