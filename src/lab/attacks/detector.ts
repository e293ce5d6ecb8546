import type { Dataset, SceneAugment } from '../../data/index.ts';
import { detectorParameters } from '../../defense/index.ts';
import { detectorOf, trainDetector, type Losses } from '../../detection/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { withParameters, type OptimiserSettings, type Schedule } from '../../train/index.ts';
import { withWeightsOf, type TrainingRun } from './network.ts';

/** How a detector is trained. */
export interface DetectorTraining {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimiser: OptimiserSettings;
  /** Of the number of epochs it runs: see `Schedule`. */
  readonly schedule: Schedule;
  /** See `LossSettings`. */
  readonly mode?: 'training';
  readonly augment?: SceneAugment;
}

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
  { seed, epochs, masks, signal, onProgress }: TrainingRun,
): Promise<TrainedDetector> {
  const detector = detectorOf(model);
  const record: Losses[] = [];
  const weights = await trainDetector(runtime, detector, dataset, {
    ...training,
    ...(epochs !== undefined && { epochs }),
    ...(masks && { masks }),
    ...(signal && { signal }),
    ...(onProgress && { onStep: onProgress }),
    parameters: detectorParameters(detector),
    seed,
    onEpoch({ losses }) {
      record.push(losses);
      return 'go on';
    },
  });
  return { model: withWeightsOf(model, withParameters(detector.graph, weights)), epochs: record };
}
