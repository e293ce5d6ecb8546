import { take, type Dataset, type SceneAugment } from '../data/index.ts';
import {
  checkScenes,
  cutAtRegions,
  detect,
  detectionEpoch,
  detectionsIn,
  detectionStep,
  detectorOf,
  OUTPUTS,
  tracedDetector,
  VALUES,
  type Detector,
} from '../detection/index.ts';
import { calledOf, type Detection } from '../metrics/index.ts';
import type { Model } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Classifier } from './classifier.ts';
import { countedObjects, type Objective } from './objective.ts';
import { parametersOf } from './parameters.ts';

/**
 * A detector in the form in which it is defended: it takes one scene at a time, and is judged by what it
 * calls each object of the scene.
 *
 * @throws DetectionError where the model is no detector of this project, or the scenes do not fit it
 */
export async function detectorToDefend(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  augment: SceneAugment = {},
): Promise<Classifier> {
  const detector = detectorOf(model);
  checkScenes(detector, dataset);
  return {
    graph: detector.graph,
    traced: await tracedDetector(runtime, detector),
    input: VALUES.image,
    scores: VALUES.scores,
    parameters: detectorParameters(detector),
    objective: detecting(detector, augment),
  };
}

/** Scenes that the loss before training is measured on. */
const SOME = 64;
/** The rate that a detector is fine-tuned with unless told otherwise: a sixth of what it is trained with. */
const RATE = 0.005;

/** Initializers of a detector that training may change. */
export function detectorParameters(detector: Detector): string[] {
  const cut = cutAtRegions(detector);
  return [...new Set(cut.outputs.flatMap(({ name }) => parametersOf(cut, name)))];
}

/**
 * What a detector calls each object that is not difficult, by the surest detection there: a class, or
 * one more than there are where it finds nothing. Trained by the four losses of Faster R-CNN, its
 * BatchNormalization as it is.
 */
export function detecting(detector: Detector, augment: SceneAugment): Objective {
  const classes = detector.spec.classes.length;
  const site = detector.graph.nodes.find(({ op }) => op === 'RoiAlign')?.inputs[0];
  const called = (dataset: Dataset, index: number, detections: readonly Detection[]) =>
    countedObjects(dataset, index).map((object) => calledOf(object, detections) ?? classes);
  return {
    outputs: OUTPUTS,
    ...(site !== undefined && { site }),
    batchSize: (_, asked) => asked,
    read: (results, dataset, from) => Int32Array.from(called(dataset, from, detectionsIn(results))),
    async predict(runtime, graph, dataset, settings) {
      const found = await detect(runtime, graph, dataset, settings);
      return Int32Array.from(found.flatMap((own, index) => called(dataset, index, own)));
    },
    async start(runtime, graph, dataset, settings) {
      const some = dataset.length > SOME ? take(dataset, SOME, settings.seed) : dataset;
      const trainer = await this.trainer(runtime, graph, some, settings);
      const { loss } = await trainer.epoch({ ...settings, epochs: 1, schedule: () => 0 }, 1);
      await trainer.dispose();
      return { loss, rate: RATE };
    },
    async trainer(runtime, graph, dataset, settings) {
      const step = await detectionStep(runtime, { ...detector, graph }, settings);
      return {
        ...step,
        async epoch({ onStep, ...how }, number) {
          const { losses, rate, parameters } = await detectionEpoch(
            step,
            dataset,
            {
              ...how,
              augment,
              ...(onStep && { onStep: (done, all, { loss }) => onStep(done, all, loss) }),
            },
            number,
          );
          return { loss: losses.loss, rate, parameters };
        },
      };
    },
  };
}
