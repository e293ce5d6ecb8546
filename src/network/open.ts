import type { Dataset, SceneAugment } from '../data/index.ts';
import type { Model } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { openClassifier, type ClassifierOptions } from './classifier.ts';
import { openDetector } from './detector.ts';
import type { Network } from './network.ts';

export interface NetworkOptions extends ClassifierOptions {
  /** The augmentation of scenes when a detector is trained; default: scale, colors, mosaic and erasing. */
  readonly scenes?: SceneAugment | undefined;
}

/**
 * Opens a model as a network: a detector if samples are scenes, else a classifier.
 *
 * @param dataset - clean samples, of the model's input size
 * @throws what `openClassifier` and `openDetector` throw
 */
export function openNetwork(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  { scenes, ...options }: NetworkOptions = {},
): Promise<Network> {
  return dataset.objects
    ? openDetector(runtime, model, dataset, scenes)
    : openClassifier(runtime, model, dataset, options);
}
