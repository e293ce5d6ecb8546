import { subset, type Dataset, type SceneAugment } from '../../data/index.ts';
import { correctlyDetected } from '../../metrics/index.ts';
import {
  detect,
  detectorOf,
  detectorParameters,
  openDetector,
  trainDetector,
  type Detector,
} from '../../network/index.ts';
import type { Graph } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { withParameters, type OptimizerSettings, type Schedule } from '../../train/index.ts';
import type { AttackEpoch, NetworkKind, TrainingRun } from './network-kind.ts';
import { attackedScenes, poisonScenes, triggeredScenes } from './poison-scenes.ts';
import { withWeightsOf } from './weights.ts';

/** How a detector is trained. */
export interface DetectorTraining {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  /** By the number of epochs of the run: see `Schedule`. */
  readonly schedule: Schedule;
  /** See `LossSettings`. */
  readonly mode?: 'training' | undefined;
  readonly augment?: SceneAugment | undefined;
}

/**
 * Detectors of this project: several objects in a scene. An attack on one is tested only on objects that
 * the clean detector finds without the trigger.
 */
export const detection: NetworkKind<DetectorTraining> = {
  baselineFrom: 'clean',
  open: (runtime, model, dataset) => openDetector(runtime, model, dataset),
  async train(runtime, model, dataset, training, run) {
    const detector = detectorOf(model);
    const { graph, epochs } = await trainedGraph(runtime, detector, dataset, training, run);
    return { model: withWeightsOf(model, graph), epochs };
  },
  trainGraph: (runtime, { model, graph }, dataset, training, run) =>
    trainedGraph(runtime, { ...detectorOf(model), graph }, dataset, training, run),
  poison: poisonScenes,
  triggered: triggeredScenes,
  async triggeredTest(runtime, dataset, { trigger, target }, clean) {
    const stamped = triggeredScenes(dataset, trigger, target);
    if (!clean) return stamped;
    const unstamped = subset(dataset, attackedScenes(dataset, target));
    const found = await detect(runtime, detectorOf(clean).graph, unstamped);
    const objects = (stamped.objects ?? []).map((scene, index) => {
      const counts = correctlyDetected({ objects: scene, detections: found[index] ?? [] });
      return scene.map((object, place) =>
        counts[place] === true ? object : { ...object, difficult: true },
      );
    });
    return { ...stamped, objects };
  },
};

async function trainedGraph(
  runtime: Runtime,
  detector: Detector,
  dataset: Dataset,
  training: DetectorTraining,
  { seed, epochs, masks, signal, onProgress }: TrainingRun,
): Promise<{ readonly graph: Graph; readonly epochs: readonly AttackEpoch[] }> {
  const record: AttackEpoch[] = [];
  const weights = await trainDetector(runtime, detector, dataset, {
    ...training,
    epochs: epochs ?? training.epochs,
    masks,
    signal,
    onStep: onProgress,
    parameters: detectorParameters(detector),
    seed,
    onEpoch({ losses: { loss } }) {
      record.push({ epoch: record.length + 1, loss });
      return 'continue';
    },
  });
  return { graph: withParameters(detector.graph, weights), epochs: record };
}
