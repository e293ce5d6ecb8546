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
 * Opens a detector: it takes one scene at a time, and says what it calls each object that is not
 * difficult, by the surest detection there. It is judged by mean average precision at IoU 0.5, and
 * trained by the four losses of Faster R-CNN, its BatchNormalization as it is.
 *
 * @throws DetectionError where the model is no detector of this project, or the scenes do not fit it
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
    ...detecting(detector, augment),
  };
}

/** Scenes that the loss before training is measured on. */
const SOME = 64;

/** Patches where no more is said of them than how large they may be: on most objects. */
const PATCHES = { share: 0.7, times: 3 } as const;

/** How scenes are changed unless told otherwise: what they mean in a mirror is not known. */
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

/** Of these, what nothing that is said of a region depends on. */
function proposingParameters(detector: Detector): string[] {
  const cut = cutAtRegions(detector);
  const saying = [VALUES.logits, VALUES.corrections].flatMap((name) => parametersOf(cut, name));
  return detectorParameters(detector).filter((parameter) => !saying.includes(parameter));
}

/** What is the same for every graph of a detector. */
function detecting(
  detector: Detector,
  augment: SceneAugment,
): Omit<Network, 'graph' | 'traced' | 'input' | 'scores' | 'parameters'> & ThisType<Network> {
  const { erasing, ...others } = augment;
  const usual = erasing?.most ?? 0;
  return {
    outputs: OUTPUTS,
    // Most of a scene is background: the mean over its places says little of a unit that few objects wake.
    rank: 'max',
    // Few large steps: small ones forget of rare classes what they do not see.
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
      const some = dataset.length > SOME ? take(dataset, SOME, settings.seed) : dataset;
      const trainer = await this.trainer(runtime, graph, some, settings);
      const { loss } = await trainer.epoch({ ...settings, epochs: 1, schedule: () => 0 }, 1);
      await trainer.dispose();
      return loss;
    },
    async trainer(runtime, graph, dataset, { occlusion = usual, ...settings }) {
      const step = await detectionStep(runtime, { ...detector, graph }, settings);
      const changes =
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
              augment: changes,
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

/** @param from - the scene that the first detections are of */
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
