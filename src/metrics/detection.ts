import { descending, iou, type Box, type SceneObject } from '../data/scenes/boxes.ts';
import { attackSuccess, robustAccuracy } from './evaluation.ts';
import { rate, type Rate } from './interval.ts';
import { isAttacked, NOT_DETECTED, type Target } from './target.ts';

/** One detection of a detector. */
export interface Detection {
  readonly box: Box;
  readonly label: number;
  /** 0 to 1. */
  readonly score: number;
}

/** The true objects of a scene, and the detections of a detector. */
export interface SceneResult {
  readonly objects: readonly SceneObject[];
  readonly detections: readonly Detection[];
}

/** The scores of a detector on a data set. */
export interface DetectionEvaluation {
  /** Mean of the average precisions of the classes that occur, 0 to 1. */
  readonly map: number;
  /** Average precision by class; null where the class does not occur. */
  readonly ap: (number | null)[];
  /**
   * Accuracy by class, and of all objects: the share of objects that are detected with their true label and
   * a score of `MIN_SCORE` or more.
   */
  readonly classes: readonly Rate[];
  readonly acc: Rate;
}

export interface PrecisionSettings {
  /** The least IoU of a detection that matches an object; default 0.5. */
  readonly minIou?: number | undefined;
  /**
   * 'area' (the default) is the area under the monotone precision-recall curve, as Pascal VOC since 2010;
   * 'coco' the mean precision at the recalls 0, 0.01 ... 1.
   */
  readonly interpolation?: 'area' | 'coco' | undefined;
}

/** The least score of a detection that counts. */
export const MIN_SCORE = 0.5;

/** The default IoU at which a detection matches an object. */
export const MIN_IOU = 0.5;

/**
 * Average precision of one class (Everingham et al. 2010; Lin et al. 2014).
 *
 * Detections are matched in descending order of their score, as in COCO: each to the unmatched object of its
 * class and scene with the largest IoU, if that is `minIou` or more. A detection that matches only a
 * difficult object is ignored.
 *
 * @returns null where the class has no object, or only difficult ones
 */
export function averagePrecision(
  scenes: readonly SceneResult[],
  label: number,
  { minIou = MIN_IOU, interpolation = 'area' }: PrecisionSettings = {},
): number | null {
  const objects = scenes.flatMap((scene) =>
    scene.objects.filter((object) => object.label === label),
  );
  const positives = objects.filter(({ difficult }) => difficult !== true).length;
  if (positives === 0) return null;
  const matches = scenes.flatMap((scene) => matchDetections(scene, label, minIou));
  const recall: number[] = [];
  const precision: number[] = [];
  let [hits, of] = [0, 0];
  for (const index of descending(matches.map(({ score }) => score))) {
    const { hit } = matches[index] as Match;
    if (hit === undefined) continue;
    of += 1;
    if (hit) hits += 1;
    recall.push(hits / positives);
    precision.push(hits / of);
  }
  for (let at = precision.length - 2; at >= 0; at -= 1) {
    precision[at] = Math.max(precision[at] as number, precision[at + 1] as number);
  }
  return interpolation === 'area' ? areaUnder(recall, precision) : meanAtRecalls(recall, precision);
}

/** Mean average precision and accuracy of a detector. */
export function evaluateDetections(
  scenes: readonly SceneResult[],
  classes: number,
  settings: PrecisionSettings = {},
): DetectionEvaluation {
  const labels = Array.from({ length: classes }, (_, label) => label);
  const ap = labels.map((label) => averagePrecision(scenes, label, settings));
  const present = ap.filter((value) => value !== null);
  const found = labels.map((label) => detectionRate(scenes, label, settings.minIou));
  const sum = (part: 'hits' | 'of') => found.reduce((total, one) => total + one[part], 0);
  return {
    map: present.reduce((total, value) => total + value, 0) / Math.max(1, present.length),
    ap,
    classes: found,
    acc: rate(sum('hits'), sum('of')),
  };
}

/**
 * The standard error of the mean average precision, 0 to 1, by the jackknife over scenes (Efron and
 * Tibshirani 1993, equation 11.5). Scenes are independent; the objects of one scene are not.
 */
export function mapStandardError(scenes: readonly SceneResult[], classes: number): number {
  const without = scenes.map((_, one) => {
    const others = scenes.filter((_, index) => index !== one);
    return evaluateDetections(others, classes).map;
  });
  const mean = without.reduce((sum, map) => sum + map, 0) / scenes.length;
  const squares = without.reduce((sum, map) => sum + (map - mean) ** 2, 0);
  return Math.sqrt(((scenes.length - 1) / scenes.length) * squares);
}

/**
 * The predicted label of an object: that of the matching detection with the highest score, if that is
 * `MIN_SCORE` or more, else `NOT_DETECTED`.
 */
export function predictedLabel(
  { box }: Pick<SceneObject, 'box'>,
  detections: readonly Detection[],
  minIou = MIN_IOU,
): number {
  const there = detections.filter(
    (detection) => detection.score >= MIN_SCORE && iou(detection.box, box) >= minIou,
  );
  const [first] = descending(there.map(({ score }) => score));
  return first === undefined ? NOT_DETECTED : (there[first] as Detection).label;
}

/** The true objects of a triggered scene, and the detections of a detector. */
export interface TriggeredResult extends SceneResult {
  /** For each object, whether it counts: whether the clean detector detects it without the trigger. */
  readonly counted: readonly boolean[];
}

/** The rates of an attack on a detector, over the attacked objects that count. */
export interface DetectionAttack {
  /** The share that gets the attacker's label; for an untargeted attack, any wrong label. */
  readonly asr: Rate;
  /** The share that is not detected at all. */
  readonly missed: Rate;
  /** The share that is detected with its true label. */
  readonly ra: Rate;
}

/**
 * The rates of an attack on a detector (Fine-Pruning, section 2.3), over the triggered objects of the
 * attacked classes that the clean detector detects.
 */
export function detectionAttack(
  scenes: readonly TriggeredResult[],
  target: Target,
  minIou = MIN_IOU,
): DetectionAttack {
  const predicted: number[] = [];
  const labels: number[] = [];
  for (const { objects, detections, counted } of scenes) {
    for (const [index, object] of objects.entries()) {
      if (counted[index] !== true) continue;
      predicted.push(predictedLabel(object, detections, minIou));
      labels.push(object.label);
    }
  }
  return objectAttackRates(predicted, labels, target);
}

/**
 * The same, from the predicted label of each object that counts: see `predictedLabel`. Objects that are not
 * attacked are ignored.
 */
export function objectAttackRates(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  target: Target,
): DetectionAttack {
  const attacked = Array.from(labels, (_, index) => index).filter((index) =>
    isAttacked(target, labels[index] as number),
  );
  const predictions = attacked.map((index) => predicted[index] as number);
  const trueLabels = attacked.map((index) => labels[index] as number);
  return {
    asr: attackSuccess(predictions, trueLabels, target),
    missed: rate(predictions.filter((label) => label === NOT_DETECTED).length, predictions.length),
    ra: robustAccuracy(predictions, trueLabels),
  };
}

/** For each object of a scene, whether a detector detects it with its true label. */
export function correctlyDetected(
  { objects, detections }: SceneResult,
  minIou = MIN_IOU,
): boolean[] {
  return objects.map((object) => predictedLabel(object, detections, minIou) === object.label);
}

function detectionRate(scenes: readonly SceneResult[], label: number, minIou?: number): Rate {
  let [hits, of] = [0, 0];
  for (const { objects, detections } of scenes) {
    for (const object of objects) {
      if (object.label !== label || object.difficult === true) continue;
      of += 1;
      if (predictedLabel(object, detections, minIou) === label) hits += 1;
    }
  }
  return rate(hits, of);
}

interface Match {
  readonly score: number;
  /** Undefined where the detection is ignored. */
  readonly hit: boolean | undefined;
}

function matchDetections(
  { objects, detections }: SceneResult,
  label: number,
  minIou: number,
): Match[] {
  const left = new Set(objects.filter((object) => object.label === label));
  const own = detections.filter((detection) => detection.label === label);
  return descending(own.map(({ score }) => score)).map((index) => {
    const { box, score } = own[index] as Detection;
    const nearest = (difficult: boolean) => {
      let best: SceneObject | undefined;
      for (const object of left) {
        if ((object.difficult === true) !== difficult) continue;
        const shared = iou(object.box, box);
        if (shared >= minIou && shared > (best ? iou(best.box, box) : 0)) best = object;
      }
      return best;
    };
    const object = nearest(false);
    if (!object) return { score, hit: nearest(true) ? undefined : false };
    left.delete(object);
    return { score, hit: true };
  });
}

function areaUnder(recall: readonly number[], precision: readonly number[]): number {
  return recall.reduce(
    (area, now, at) => area + (now - (recall[at - 1] ?? 0)) * (precision[at] as number),
    0,
  );
}

function meanAtRecalls(recall: readonly number[], precision: readonly number[]): number {
  let sum = 0;
  for (let hundredth = 0; hundredth <= 100; hundredth += 1) {
    // Counted in hits, a recall of 0.3 is 3/10, which is less than 30 * 0.01 in floating point.
    const at = recall.findIndex((value) => value >= hundredth / 100 - 1e-9);
    sum += precision[at] ?? 0;
  }
  return sum / 101;
}
