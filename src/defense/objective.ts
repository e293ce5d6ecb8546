import type { Dataset, SceneObject } from '../data/index.ts';
import type { Graph, Tensor, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import {
  argmax,
  predict,
  rowsOf,
  trainEpoch,
  trainingStep,
  type Epoch,
  type EpochSettings,
  type Trained,
  type UpdateSettings,
} from '../train/index.ts';

/**
 * What a network is for: how it is read, what it is judged by and what it is trained by. All else that
 * a defense does (rank, prune, stop, choose an epoch) is the same for all.
 */
export interface Objective {
  /** Values that are read of the network. */
  readonly outputs: readonly string[];
  /** The site to prune unless told otherwise; the last convolutional one by default. */
  readonly site?: string;
  /**
   * What the network says, in the order of `labelsOf`: of each sample, or of each object of a scene.
   *
   * @param results - the `outputs` of a run over samples in a row
   * @param from - the first of these samples
   */
  read(results: Readonly<Record<string, Tensor>>, dataset: Dataset, from: number): Int32Array;
  /** The same for a whole data set. */
  predict(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings?: { readonly signal?: AbortSignal },
  ): Promise<Int32Array>;
  /** The batch size to train with, where one is asked for. */
  batchSize(graph: Graph, asked: number): number;
  /** Loss before training, and the rate of 'auto'; without it, both are measured: see `findRate`. */
  start?(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings & Pick<EpochSettings, 'seed' | 'signal'>,
  ): Promise<{ readonly loss: number; readonly rate: number }>;
  /** Training made ready. */
  trainer(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings,
  ): Promise<Trainer>;
}

export interface TrainerSettings extends UpdateSettings {
  readonly batchSize: number;
}

/** A network in training on a data set. */
export interface Trainer extends Trained {
  epoch(
    settings: EpochSettings,
    epoch: number,
  ): Promise<Pick<Epoch, 'loss' | 'rate' | 'parameters'>>;
  dispose(): Promise<void>;
}

/** A class for each sample, by the highest score; trained by cross-entropy. */
export function classifying(input: string, scores: string): Objective {
  return {
    outputs: [scores],
    read: (results) => argmax(results[scores] as TensorOf<'float32'>),
    predict: (runtime, graph, dataset, { signal } = {}) =>
      predict(runtime, graph, dataset, { input, logits: scores, ...(signal && { signal }) }),
    batchSize: (graph, asked) => rowsOf(graph, input) ?? asked,
    async trainer(runtime, graph, dataset, settings) {
      const step = await trainingStep(runtime, graph, {
        ...settings,
        input,
        logits: scores,
        sample: dataset.sample,
        classes: dataset.classes.length,
      });
      return { ...step, epoch: (how, epoch) => trainEpoch(step, dataset, how, epoch) };
    },
  };
}

/** What a network should say, in the order in which it is read: of objects where samples are scenes. */
export function labelsOf(dataset: Dataset): Int32Array {
  const { objects, labels } = dataset;
  if (!objects) return labels;
  return Int32Array.from(
    objects.flatMap((_, index) => countedObjects(dataset, index).map(({ label }) => label)),
  );
}

/** The objects of a scene that are to be found: difficult ones need not be. */
export function countedObjects({ objects }: Dataset, index: number): readonly SceneObject[] {
  return (objects?.[index] ?? []).filter(({ difficult }) => difficult !== true);
}
