import {
  drawScene,
  epochOrder,
  random,
  type Dataset,
  type Scene,
  type SceneAugment,
} from '../../data/index.ts';
import type { TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import {
  type Epoch,
  runEpochs,
  type EpochSettings,
  type EpochCallbacks,
} from '../../train/index.ts';
import { checkScenes, type Detector } from './detector.ts';
import {
  detectionStep,
  type DetectionStep,
  type DetectionStepSettings,
  type Losses,
} from './step.ts';

/** The seed decides the order of the scenes, their augmentation, and the sampled anchors and regions. */
export interface DetectionEpochSettings extends Omit<EpochSettings, 'augment' | 'onStep'> {
  readonly augment?: SceneAugment | undefined;
  readonly onStep?: ((done: number, all: number, losses: Losses) => void) | undefined;
}

export interface DetectionTraining
  extends DetectionEpochSettings, DetectionStepSettings, EpochCallbacks<DetectionEpoch> {}

/** The result of an epoch. */
export interface DetectionEpoch extends Pick<Epoch, 'epoch' | 'rate' | 'parameters'> {
  /** Mean losses over its batches. */
  readonly losses: Losses;
}

/**
 * Trains a detector on scenes.
 *
 * @returns the parameters after the last epoch, copied
 * @throws DetectionError if the scenes do not fit; the signal's reason when it aborts
 */
export async function trainDetector(
  runtime: Runtime,
  detector: Detector,
  dataset: Dataset,
  settings: DetectionTraining,
): Promise<Map<string, TensorOf<'float32'>>> {
  checkScenes(detector, dataset);
  const step = await detectionStep(runtime, detector, settings);
  return runEpochs(step, settings, (epoch) => detectionEpoch(step, dataset, settings, epoch));
}

/**
 * Trains one epoch. It depends only on its number (from 1 on), the seed and the state of the step. The last
 * batch is filled up with samples from the beginning of the epoch.
 */
export async function detectionEpoch(
  step: DetectionStep,
  dataset: Dataset,
  settings: DetectionEpochSettings,
  epoch: number,
): Promise<DetectionEpoch> {
  const { batchSize, epochs, schedule, seed, augment = {} } = settings;
  const order = epochOrder(dataset.length, seed, epoch);
  const draw = random(seed, `scenes/${epoch}`);
  const each = Math.ceil(order.length / batchSize);
  const sums = new Map<keyof Losses, number>();
  let rate = 0;
  for (let batch = 0; batch < each; batch += 1) {
    settings.signal?.throwIfAborted();
    const done = (epoch - 1) * each + batch;
    rate = schedule(done / (each * epochs));
    const scenes: Scene[] = [];
    for (let row = 0; row < batchSize; row += 1) {
      const index = order[(batch * batchSize + row) % order.length] as number;
      scenes.push(await drawScene(dataset, index, draw, augment));
    }
    const losses = await step.run(scenes, rate, draw);
    for (const [name, value] of Object.entries(losses) as [keyof Losses, number][]) {
      sums.set(name, (sums.get(name) ?? 0) + value / each);
    }
    settings.onStep?.(done + 1, each * epochs, losses);
  }
  return {
    epoch,
    losses: Object.fromEntries(sums) as unknown as Losses,
    rate,
    parameters: step.parameters(),
  };
}
