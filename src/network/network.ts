import type { Dataset, SceneObject } from '../data/index.ts';
import type { Traced } from '../graph/index.ts';
import type { CleanScore, Detection, Rate, Target } from '../metrics/index.ts';
import type { Graph, Tensor } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
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

/** What units of a network can be ranked by: the mean activation of the paper, or another statistic. */
export const RANKINGS = ['mean', 'mean-absolute', 'max', 'active-share', 'std'] as const;
export type Ranking = (typeof RANKINGS)[number];

/** What a network says of samples in a row. */
export interface Answers {
  /** A class for each sample or, of scenes, for each object, `NOT_DETECTED` where none is found: see `labelsOf`. */
  readonly called: Int32Array;
  /** Of scenes, all that is detected in each. */
  readonly detections?: readonly (readonly Detection[])[] | undefined;
}

/** How a network is fine-tuned unless told otherwise. */
export interface TuningDefaults {
  readonly epochs: number;
  readonly batchSize: number;
  /** 'auto' where a rate can be found, see `findRate`. */
  readonly rate: number | 'auto';
  readonly schedule: ScheduleName;
  readonly occlusion?: number | undefined;
}

/**
 * Any ONNX model as something that can be run, scored and trained: its working graph, and how it is
 * fed, read, judged and trained. A classifier and a detector each answer for themselves; all else that
 * a defense does (rank, prune, stop, choose an epoch) is the same for both.
 */
export interface Network {
  /**
   * The working graph, in the canonical opset. It takes float32 and any batch size; where it could not be
   * written so, its input has the one that it takes.
   */
  readonly graph: Graph;
  /** The same, traced on a few samples: only to be looked at, since its shapes are fixed. */
  readonly traced: Traced;
  /** Takes float32, dims [batch, ...sample]. */
  readonly input: string;
  /** The value that all units of interest lead to; of a classifier a logit a class, [batch, classes]. */
  readonly scores: string;
  /** Initializers that training may change. */
  readonly parameters: readonly string[];
  /** Parameters that only propose where an object may be; none of a classifier. */
  readonly proposing: readonly string[];
  /** Values that are read to know what the network says. */
  readonly outputs: readonly string[];
  /** What units are ranked by unless told otherwise. */
  readonly rank: Ranking;
  readonly tuning: TuningDefaults;
  /**
   * What the network says.
   *
   * @param results - the `outputs` of a run over samples in a row
   * @param from - the first of these samples
   */
  read(results: Readonly<Record<string, Tensor>>, dataset: Dataset, from: number): Answers;
  /** The same for a whole data set; `shortLived` where the weights change after it. */
  predict(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings?: {
      readonly shortLived?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Answers>;
  /** What it may call a sample or an object, by label; last, for a detector, that it finds nothing. */
  answerNames(dataset: Dataset): readonly string[];
  /** All numbers that a graph gives for a data set, to compare two graphs by. */
  numbers(runtime: Runtime, graph: Graph, dataset: Dataset): Promise<ArrayLike<number>>;
  /**
   * How good answers on clean data are.
   *
   * @param withError - whether the standard error of a mean average precision is wanted, which takes an
   *   evaluation for each scene
   */
  score(answers: Answers, dataset: Dataset, withError?: boolean): CleanScore;
  /** How far an attack succeeds, by answers on triggered data. */
  scoreAttack(answers: Answers, dataset: Dataset, target: Target): AttackScore;
  /** The same network with another graph in place of its own, such as one that is masked. */
  withGraph(runtime: Runtime, graph: Graph, dataset: Dataset): Promise<Network>;
  /** The batch size to train with, where one is asked for. */
  batchSize(graph: Graph, asked: number): number;
  /** Initial loss, for networks that use a fixed rate. */
  initialLoss?(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings & Pick<EpochSettings, 'signal'>,
  ): Promise<number>;
  /** Mean |gradient| of parameters on clean data; undefined where it cannot be had. */
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
  /** The gradient of the loss by the input, to look for triggers; a detector has none yet. */
  inputGradient?(runtime: Runtime, dataset: Dataset, batchSize: number): Promise<InputGradient>;
  /** Training made ready. */
  trainer(
    runtime: Runtime,
    graph: Graph,
    dataset: Dataset,
    settings: TrainerSettings,
  ): Promise<Trainer>;
}

/** Attack success and robust accuracy; of a detector also the triggered objects that it does not find. */
export interface AttackScore {
  readonly asr: Rate;
  readonly ra: Rate;
  readonly missed?: Rate | undefined;
}

export interface TrainerSettings extends UpdateSettings, Pick<LossSettings, 'mode' | 'smoothing'> {
  readonly batchSize: number;
  readonly seed: number;
  /** Of scenes, as in `FineTuneSettings`; pictures are covered by what augments them. */
  readonly occlusion?: number | undefined;
}

/** A network in training on a data set. */
export interface Trainer extends TrainingParameters {
  epoch(
    settings: EpochSettings,
    epoch: number,
  ): Promise<Pick<Epoch, 'loss' | 'rate' | 'parameters'>>;
  dispose(): Promise<void>;
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
