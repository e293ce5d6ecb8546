import type { Dataset, SceneObject } from '../data/index.ts';
import type { Traced } from '../graph/index.ts';
import type { CleanScore, Detection, Rate, Target } from '../metrics/index.ts';
import type { Graph, Tensor } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { ScaleCheck } from './adapt/scale.ts';
import type {
  Epoch,
  EpochSettings,
  GradientMagnitudes,
  InputGradient,
  LossSettings,
  ScheduleName,
  TrainingParameters,
  UpdateSettings,
} from '../train/index.ts';

/** Statistics by which units can be ranked: the mean activation of the paper, or another one. */
export const RANKINGS = ['mean', 'mean-absolute', 'max', 'active-share', 'std'] as const;
export type Ranking = (typeof RANKINGS)[number];

/** The predictions of a network for consecutive samples. */
export interface Answers {
  /**
   * A class for each sample. For scenes a class for each object, in the order of `labelsOf`;
   * `NOT_DETECTED` for an object that is not found.
   */
  readonly called: Int32Array;
  /** For scenes, all detections in each. */
  readonly detections?: readonly (readonly Detection[])[] | undefined;
}

/** The default settings for fine-tuning a network. */
export interface TuningDefaults {
  readonly epochs: number;
  readonly batchSize: number;
  /** A learning rate, or 'auto' to find one with `findRate`. */
  readonly rate: number | 'auto';
  readonly schedule: ScheduleName;
  readonly occlusion?: number | undefined;
}

/** How well samples fit what a network expects as input. */
export interface InputCheck {
  readonly scale: ScaleCheck | undefined;
  /** The batch size, if the model could not be rewritten for any. */
  readonly fixedBatchSize: number | undefined;
}

/**
 * Any ONNX model as something that can be run, scored and trained: its working graph, and methods to run,
 * score and train it. A classifier and a detector implement it in different ways; all that a defense does
 * (rank, prune, stop, choose an epoch) is the same for both.
 */
export interface Network {
  /**
   * The working graph, in the canonical opset. It takes float32 and any batch size. If it could not be
   * rewritten for any batch size, its input has the fixed one.
   */
  readonly graph: Graph;
  /** The same graph, traced on a few samples: for analysis only, since its shapes are fixed. */
  readonly traced: Traced;
  /** Takes float32, dims [batch, ...sample]. */
  readonly input: string;
  /** The value that all units of interest lead to. For a classifier the logits, [batch, classes]. */
  readonly scores: string;
  /** Initializers that training may change. */
  readonly parameters: readonly string[];
  /** Parameters that only the proposals of a detector depend on; empty for a classifier. */
  readonly proposing: readonly string[];
  /** Values from which `read` computes the predictions. */
  readonly outputs: readonly string[];
  /** The default statistic for ranking units. */
  readonly rank: Ranking;
  readonly tuning: TuningDefaults;
  /**
   * Computes the predictions from the outputs of a run.
   *
   * @param results - the `outputs` of a run over consecutive samples
   * @param from - the index of the first of these samples
   */
  read(results: Readonly<Record<string, Tensor>>, dataset: Dataset, from: number): Answers;
  /** Predicts a whole data set; `shortLived` if the weights change afterwards. */
  predict(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings?: {
      readonly shortLived?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Answers>;
  /** The names of the possible predictions, by label. For a detector the last one means "not detected". */
  answerNames(dataset: Dataset): readonly string[];
  /** All output numbers of a graph for a data set, for comparing two graphs. */
  numbers(runtime: Runtime, graph: Graph, dataset: Dataset): Promise<ArrayLike<number>>;
  /**
   * Scores predictions for clean data.
   *
   * @param withError - whether to compute the standard error of a mean average precision, which takes one
   *   evaluation per scene
   */
  score(answers: Answers, dataset: Dataset, withError?: boolean): CleanScore;
  /** Scores predictions for triggered data. */
  scoreAttack(answers: Answers, dataset: Dataset, target: Target): AttackScore;
  /** The same network with another graph, such as a masked one. */
  withGraph(runtime: Runtime, graph: Graph, dataset: Dataset): Promise<Network>;
  /** The batch size for training: the requested one, unless the graph has a fixed one. */
  batchSize(graph: Graph, asked: number): number;
  /**
   * Checks whether samples are preprocessed and batched as the network expects. Only for a classifier: a
   * detector always takes one scene, scaled in one way.
   */
  checkInput?(runtime: Runtime, dataset: Dataset): Promise<InputCheck>;
  /** Initial loss, for networks that use a fixed rate. */
  initialLoss?(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings & Pick<EpochSettings, 'signal'>,
  ): Promise<number>;
  /** Mean |gradient| of parameters on clean data; undefined if the graph cannot be differentiated. */
  gradientMagnitudes?(
    runtime: Runtime,
    dataset: Dataset,
    settings: {
      readonly parameters: readonly string[];
      readonly batchSize: number;
      readonly seed: number;
      readonly batches: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<ReadonlyMap<string, GradientMagnitudes> | undefined>;
  /** The gradient of the loss by the input, for trigger inversion; a detector has none yet. */
  inputGradient?(runtime: Runtime, dataset: Dataset, batchSize: number): Promise<InputGradient>;
  /** Prepares training. */
  trainer(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings,
  ): Promise<Trainer>;
}

/** Attack success and robust accuracy; for a detector also the share of triggered objects that it misses. */
export interface AttackScore {
  readonly asr: Rate;
  readonly ra: Rate;
  readonly missed?: Rate | undefined;
}

export interface TrainerSettings extends UpdateSettings, Pick<LossSettings, 'mode' | 'smoothing'> {
  readonly batchSize: number;
  readonly seed: number;
  /** For scenes, as in `FineTuneSettings`; single images get it from their augmentation. */
  readonly occlusion?: number | undefined;
}

/** A network that is being trained on a data set. */
export interface Trainer extends TrainingParameters {
  epoch(
    settings: EpochSettings,
    epoch: number,
  ): Promise<Pick<Epoch, 'loss' | 'rate' | 'parameters'>>;
  dispose(): Promise<void>;
}

/** Concatenates predictions for consecutive samples. */
export function concatAnswers(parts: readonly Answers[]): Answers {
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

/** The true labels, in the order of the predictions: of the objects if samples are scenes. */
export function labelsOf(dataset: Dataset): Int32Array {
  const { objects, labels } = dataset;
  if (!objects) return labels;
  return Int32Array.from(
    objects.flatMap((_, index) => countedObjects(dataset, index).map(({ label }) => label)),
  );
}

/** The objects of a scene that count in an evaluation, which are those not marked as difficult. */
export function countedObjects({ objects }: Dataset, index: number): readonly SceneObject[] {
  return (objects?.[index] ?? []).filter(({ difficult }) => difficult !== true);
}
