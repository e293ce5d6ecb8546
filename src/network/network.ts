import type { Dataset, SceneObject } from '../data/index.ts';
import {
  accuracy,
  evaluateDetections,
  precisionError,
  type CleanScore,
  type Detection,
} from '../metrics/index.ts';
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
  type LossSettings,
  type ScheduleName,
  type Trained,
  type UpdateSettings,
} from '../train/index.ts';

/** What units of a network can be ranked by: the mean activation of the paper, or another statistic. */
export const RANKINGS = ['mean', 'mean-absolute', 'max', 'active-share', 'std'] as const;
export type Ranking = (typeof RANKINGS)[number];

/** What a network says of samples in a row. */
export interface Answers {
  /** A class for each sample or, of scenes, for each object, `NOTHING` where none is found: see `labelsOf`. */
  readonly called: Int32Array;
  /** Of scenes, all that is detected in each. */
  readonly detections?: readonly (readonly Detection[])[];
}

/**
 * What a network is for: how it is read, what it is judged by and what it is trained by. All else that
 * a defense does (rank, prune, stop, choose an epoch) is the same for all.
 */
export interface Objective {
  /** Values that are read of the network. */
  readonly outputs: readonly string[];
  /** What units are ranked by unless told otherwise. */
  readonly rank: Ranking;
  /**
   * What the network says.
   *
   * @param results - the `outputs` of a run over samples in a row
   * @param from - the first of these samples
   */
  read(results: Readonly<Record<string, Tensor>>, dataset: Dataset, from: number): Answers;
  /** The same for a whole data set; `brief`, where the weights change after it. */
  predict(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings?: { readonly brief?: boolean; readonly signal?: AbortSignal },
  ): Promise<Answers>;
  /** How it is fine-tuned unless told otherwise. */
  readonly tune: {
    readonly epochs: number;
    readonly batchSize: number;
    readonly rate: number | 'auto';
    readonly schedule: ScheduleName;
    /** See `FineTuneSettings`. */
    readonly cover?: number;
  };
  /** Of a detector: parameters that only propose where something may be, and are not tuned unless asked for. */
  readonly proposing?: readonly string[];
  /** The batch size to train with, where one is asked for. */
  batchSize(graph: Graph, asked: number): number;
  /**
   * Loss before training, of who has no rate to be found by `findRate`, and takes that of `tune` where
   * none is given.
   */
  start?(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings & Pick<EpochSettings, 'signal'>,
  ): Promise<number>;
  /** Training made ready. */
  trainer(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings,
  ): Promise<Trainer>;
}

export interface TrainerSettings extends UpdateSettings, Pick<LossSettings, 'mode'> {
  readonly batchSize: number;
  readonly seed: number;
  /** Of scenes, as in `FineTuneSettings`; pictures are covered by what augments them. */
  readonly cover?: number;
}

/** A network in training on a data set. */
export interface Trainer extends Trained {
  epoch(
    settings: EpochSettings,
    epoch: number,
  ): Promise<Pick<Epoch, 'loss' | 'rate' | 'parameters'>>;
  dispose(): Promise<void>;
}

/** How classifiers are fine-tuned unless told otherwise. */
export const TUNE = { epochs: 12, batchSize: 128, rate: 'auto', schedule: 'cosine' } as const;

/** A class for each sample, by the highest score; trained by cross-entropy. */
export function classifying(input: string, scores: string): Objective {
  return {
    outputs: [scores],
    rank: 'mean',
    tune: TUNE,
    read: (results) => ({ called: argmax(results[scores] as TensorOf<'float32'>) }),
    async predict(runtime, graph, dataset, settings = {}) {
      const read = { input, logits: scores, ...settings };
      return { called: await predict(runtime, graph, dataset, read) };
    },
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

/**
 * How good answers on clean data are.
 *
 * @param withError - whether the error of a mean average precision is wanted, which takes an evaluation
 *   for each scene
 */
export function scoreOf(
  { called, detections }: Answers,
  dataset: Dataset,
  withError = false,
): CleanScore {
  const acc = accuracy(called, labelsOf(dataset));
  if (!detections) return acc;
  const scenes = detections.map((own, index) => ({
    objects: dataset.objects?.[index] ?? [],
    detections: own,
  }));
  const classes = dataset.classes.length;
  const { map, ap } = evaluateDetections(scenes, classes);
  return { ...acc, map, ap, ...(withError && { mapError: precisionError(scenes, classes) }) };
}

/** Answers on samples in a row as one. */
export function joined(parts: readonly Answers[]): Answers {
  const called = new Int32Array(parts.reduce((total, part) => total + part.called.length, 0));
  let at = 0;
  for (const part of parts) {
    called.set(part.called, at);
    at += part.called.length;
  }
  const detections = parts.flatMap((part) => part.detections ?? []);
  return {
    called,
    ...(parts.some((part) => part.detections) && { detections }),
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
