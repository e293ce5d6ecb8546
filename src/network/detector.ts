import { take, type Dataset, type SceneAugment } from '../data/index.ts';
import {
  checkScenes,
  cutAtRegions,
  detect,
  detectionsIn,
  detectorOf,
  OUTPUTS,
  tracedDetector,
  type Detector,
} from './detection/detector.ts';
import { detectionEpoch } from './detection/train.ts';
import { detectionStep } from './detection/step.ts';
import { VALUES } from './detection/spec.ts';
import {
  accuracy,
  objectAttackRates,
  predictedLabel,
  evaluateDetections,
  mapStandardError,
  type CleanScore,
  type Detection,
} from '../metrics/index.ts';
import type { Model } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { countedObjects, labelsOf, type Answers, type Network } from './network.ts';
import { parametersOf } from './parameters.ts';

/**
 * Opens a detector: it takes one scene at a time. Its prediction for an object is the class of the
 * highest-scoring detection there; difficult objects are left out. It is scored by mean average precision
 * at IoU 0.5, and trained with the four losses of Faster R-CNN and frozen BatchNormalization.
 *
 * @throws DetectionError if the model is not a detector of this project, or the scenes do not fit it
 */
export async function openDetector(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  augment: SceneAugment = AUGMENT,
): Promise<Network> {
  const detector = detectorOf(model);
  checkScenes(detector, dataset);
  return {
    graph: detector.graph,
    traced: await tracedDetector(runtime, detector),
    input: VALUES.image,
    scores: VALUES.scores,
    parameters: detectorParameters(detector),
    ...detectorMethods(detector, augment),
  };
}

/** On how many scenes the initial loss is measured. */
const LOSS_SCENES = 64;

/** The defaults of erasing, apart from the size of the patches: most objects get some. */
const PATCHES = { share: 0.7, times: 3 } as const;

/** The default augmentation of scenes. No flip: a mirrored object may have another class. */
const AUGMENT: SceneAugment = {
  scale: [0.7, 1.4],
  jitter: 0.25,
  mosaic: 0.3,
  erasing: { ...PATCHES, most: 0.5 },
};

/** Initializers of a detector that training may change. */
export function detectorParameters(detector: Detector): string[] {
  const cut = cutAtRegions(detector);
  return [...new Set(cut.outputs.flatMap(({ name }) => parametersOf(cut, name)))];
}

/** Those of these parameters on which the predictions for a given region do not depend. */
function proposingParameters(detector: Detector): string[] {
  const cut = cutAtRegions(detector);
  const ofHeads = [VALUES.logits, VALUES.regionDeltas].flatMap((name) => parametersOf(cut, name));
  return detectorParameters(detector).filter((parameter) => !ofHeads.includes(parameter));
}

/** The methods of a detector, which are the same for every graph of it. */
function detectorMethods(
  detector: Detector,
  augment: SceneAugment,
): Omit<Network, 'graph' | 'traced' | 'input' | 'scores' | 'parameters'> & ThisType<Network> {
  const { erasing, ...others } = augment;
  const usual = erasing?.most ?? 0;
  return {
    outputs: OUTPUTS,
    // Most of a scene is background, so the mean over positions is low for a unit that few objects activate.
    rank: 'max',
    // Few large steps: with many small ones the network forgets rare classes.
    tuning: { epochs: 40, batchSize: 16, rate: 0.06, schedule: 'cosine', occlusion: usual },
    proposing: proposingParameters(detector),
    batchSize: (_, asked) => asked,
    read: (results, dataset, from) => answers(dataset, [detectionsIn(results)], from),
    async predict(runtime, graph, dataset, settings) {
      return answers(dataset, await detect(runtime, graph, dataset, settings));
    },
    answerNames: ({ classes }) => [...classes, 'nothing'],
    async numbers(runtime, graph, dataset) {
      const { detections = [] } = await this.predict(runtime, graph, dataset);
      return detections
        .flat()
        .flatMap(({ box, label, score }) => [
          box.left,
          box.top,
          box.right,
          box.bottom,
          label,
          score,
        ]);
    },
    score,
    scoreAttack: ({ called }, dataset, target) =>
      objectAttackRates(called, labelsOf(dataset), target),
    async withGraph(runtime, graph) {
      return { ...this, graph, traced: await tracedDetector(runtime, { ...detector, graph }) };
    },
    async initialLoss(runtime, graph, dataset, settings) {
      const some =
        dataset.length > LOSS_SCENES ? take(dataset, LOSS_SCENES, settings.seed) : dataset;
      const trainer = await this.trainer(runtime, graph, some, settings);
      const { loss } = await trainer.epoch({ ...settings, epochs: 1, schedule: () => 0 }, 1);
      await trainer.dispose();
      return loss;
    },
    async trainer(runtime, graph, dataset, { occlusion = usual, ...settings }) {
      const step = await detectionStep(runtime, { ...detector, graph }, settings);
      const withErasing =
        occlusion > 0
          ? { ...others, erasing: { ...PATCHES, ...erasing, most: occlusion } }
          : others;
      return {
        ...step,
        async epoch({ onStep, ...how }, number) {
          const { losses, rate, parameters } = await detectionEpoch(
            step,
            dataset,
            {
              ...how,
              augment: withErasing,
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

/** @param from - the index of the scene of the first detections */
function answers(dataset: Dataset, detections: readonly Detection[][], from = 0): Answers {
  const called = detections.flatMap((own, index) =>
    countedObjects(dataset, from + index).map((object) => predictedLabel(object, own)),
  );
  return { called: Int32Array.from(called), detections };
}

function score(
  { called, detections = [] }: Answers,
  dataset: Dataset,
  withError = false,
): CleanScore {
  const scenes = detections.map((own, index) => ({
    objects: dataset.objects?.[index] ?? [],
    detections: own,
  }));
  const classes = dataset.classes.length;
  const { map, ap } = evaluateDetections(scenes, classes);
  const error = withError ? { mapError: mapStandardError(scenes, classes) } : {};
  return { ...accuracy(called, labelsOf(dataset)), map, ap, ...error };
}
