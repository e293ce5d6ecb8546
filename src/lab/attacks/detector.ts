import type { Dataset } from '../../data/index.ts';
import {
  detectorParameters,
  openDetector,
  detectorOf,
  trainDetector,
  type Detector,
  type Losses,
} from '../../network/index.ts';
import type { Graph, Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { withParameters } from '../../train/index.ts';
import type { DetectionTask, DetectorTraining } from '../tasks/detection-task.ts';
import { withWeightsOf, type TrainingRun } from './network.ts';
import { poisonScenes, triggeredScenes } from './poison-scenes.ts';
import {
  afterClean,
  optionsOf,
  type AfterCleanSettings,
  type PruningAwareAttack,
} from './pruning-aware.ts';

export interface TrainedDetector {
  readonly model: Model;
  /** Mean losses of every epoch, as it was trained on. */
  readonly epochs: readonly Losses[];
}

/**
 * Trains a detector on scenes, clean or poisoned, from the weights that it has.
 *
 * @throws DetectionError where model and scenes do not fit
 */
export async function trainedDetector(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  training: DetectorTraining,
  run: TrainingRun,
): Promise<TrainedDetector> {
  const { graph, epochs } = await trainedOnScenes(
    runtime,
    detectorOf(model),
    dataset,
    training,
    run,
  );
  return { model: withWeightsOf(model, graph), epochs };
}

async function trainedOnScenes(
  runtime: Runtime,
  detector: Detector,
  dataset: Dataset,
  training: DetectorTraining,
  { seed, epochs, masks, signal, onProgress }: TrainingRun,
): Promise<{ readonly graph: Graph; readonly epochs: readonly Losses[] }> {
  const record: Losses[] = [];
  const weights = await trainDetector(runtime, detector, dataset, {
    ...training,
    epochs: epochs ?? training.epochs,
    masks,
    signal,
    onStep: onProgress,
    parameters: detectorParameters(detector),
    seed,
    onEpoch({ losses }) {
      record.push(losses);
      return 'go on';
    },
  });
  return { graph: withParameters(detector.graph, weights), epochs: record };
}

/**
 * The pruning-aware attack on a detector, at the last convolution of its backbone: see
 * `pruningAwareAttack`.
 *
 * @throws what `afterClean` throws; DetectionError where model and scenes do not fit
 */
export function pruningAwareDetector(
  runtime: Runtime,
  task: DetectionTask,
  train: Dataset,
  settings: TrainingRun & Pick<AfterCleanSettings, 'clean' | 'onStage'>,
): Promise<PruningAwareAttack> {
  const { trigger, target, poisonRate } = task;
  const options = optionsOf(task);
  const { spec } = detectorOf(settings.clean);
  return afterClean(
    runtime,
    {
      open: (model, dataset) => openDetector(runtime, model, dataset),
      poison: (dataset) => ({
        ...poisonScenes(dataset, { trigger, target, rate: poisonRate, seed: settings.seed }),
        target,
        poisonRate,
      }),
      triggered: (dataset) => triggeredScenes(dataset, trigger, target),
      async train(graph, _, dataset, masks) {
        const how = options.training ?? task.poisoning;
        const run = { ...settings, masks };
        const made = await trainedOnScenes(runtime, { spec, graph }, dataset, how, run);
        const epochs = made.epochs.map(({ loss }, index) => ({ epoch: index + 1, loss }));
        return { graph: made.graph, epochs };
      },
    },
    train,
    { ...options, ...settings },
  );
}
