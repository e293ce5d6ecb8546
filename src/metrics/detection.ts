import { descending, iou, type Box, type SceneObject } from '../data/scenes/boxes.ts';
import { attackSuccess, robustAccuracy } from './evaluation.ts';
import { rate, type Rate } from './interval.ts';
import { isAttacked, NOT_DETECTED, type Target } from './target.ts';

/** What a detector says of one place of a scene. */
export interface Detection {
  readonly box: Box;
  readonly label: number;
  /** 0 to 1. */
  readonly score: number;
}

/** A scene as it is, and as a detector sees it. */
export interface SceneResult {
  readonly objects: readonly SceneObject[];
  readonly detections: readonly Detection[];
}

/** A detector on a data set. */
export interface DetectionEvaluation {
  /** Mean of the average precisions of the classes that occur, 0 to 1. */
  readonly map: number;
  /** Average precision by class; null where the class does not occur. */
  readonly ap: (number | null)[];
  /**
   * The accuracy of the detector: of the objects, the share that is found as what it is, with a score of
   * `MIN_SCORE` or more. By class, and of all.
   */
  readonly classes: readonly Rate[];
  readonly acc: Rate;
}

export interface PrecisionSettings {
  /** IoU from which on a detection is one of the object; default 0.5. */
  readonly minIou?: number | undefined;
  /**
   * 'area' (the default) is the area under the curve of precision, made monotone, as Pascal VOC has it
   * from 2010 on; 'coco' its mean at the recalls 0, 0.01 ... 1.
   */
  readonly interpolation?: 'area' | 'coco' | undefined;
}

/** Score from which on something counts as detected. */
export const MIN_SCORE = 0.5;

/** IoU at which a detection is one of an object. */
export const MIN_IOU = 0.5;

/**
 * Average precision of one class (Everingham et al. 2010; Lin et al. 2014).
 *
 * Detections are matched from the highest score down, as COCO does: each to the object of its class
 * and scene that it overlaps with most among those that no other has, if by `overlap` or more. One
 * that has only a difficult object to go to is left out.
 *
 * @returns null where the class has no object that is not difficult
 */
export function averagePrecision(
  scenes: readonly SceneResult[],
  label: number,
  { minIou = MIN_IOU, interpolation = 'area' }: PrecisionSettings = {},
): number | null {
  const objects = scenes.flatMap((scene) =>
    scene.objects.filter((object) => object.label === label),
  );
  const wanted = objects.filter(({ difficult }) => difficult !== true).length;
  if (wanted === 0) return null;
  const marks = scenes.flatMap((scene) => matchDetections(scene, label, minIou));
  const recall: number[] = [];
  const precision: number[] = [];
  let [hits, of] = [0, 0];
  for (const index of descending(marks.map(({ score }) => score))) {
    const { hit } = marks[index] as Match;
    if (hit === undefined) continue;
    of += 1;
    if (hit) hits += 1;
    recall.push(hits / wanted);
    precision.push(hits / of);
  }
  for (let at = precision.length - 2; at >= 0; at -= 1) {
    precision[at] = Math.max(precision[at] as number, precision[at + 1] as number);
  }
  return interpolation === 'area' ? areaUnder(recall, precision) : meanAtRecalls(recall, precision);
}

/** mAP and accuracy of a detector. */
export function evaluateDetections(
  scenes: readonly SceneResult[],
  classes: number,
  settings: PrecisionSettings = {},
): DetectionEvaluation {
  const labels = Array.from({ length: classes }, (_, label) => label);
  const ap = labels.map((label) => averagePrecision(scenes, label, settings));
  const some = ap.filter((value) => value !== null);
  const found = labels.map((label) => detectionRate(scenes, label, settings.minIou));
  const sum = (part: 'hits' | 'of') => found.reduce((total, one) => total + one[part], 0);
  return {
    map: some.reduce((total, value) => total + value, 0) / Math.max(1, some.length),
    ap,
    classes: found,
    acc: rate(sum('hits'), sum('of')),
  };
}

/**
 * By how much chance moves a mean average precision: its standard error by the jackknife over scenes
 * (Efron and Tibshirani 1993, equation 11.5), 0 to 1. Objects of one scene are not independent, scenes
 * are.
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
 * What is said of an object: the label of the surest detection there with a score of `MIN_SCORE` or more,
 * or `NOT_DETECTED`.
 */
export function predictedLabel(
  { box }: Pick<SceneObject, 'box'>,
  detections: readonly Detection[],
  overlap = MIN_IOU,
): number {
  const there = detections.filter(
    (detection) => detection.score >= MIN_SCORE && iou(detection.box, box) >= overlap,
  );
  const [first] = descending(there.map(({ score }) => score));
  return first === undefined ? NOT_DETECTED : (there[first] as Detection).label;
}

/** A triggered scene: what is truly in it, and what a detector says of it. */
export interface TriggeredResult extends SceneResult {
  /** For each object, whether it counts: whether the clean detector finds it without the trigger. */
  readonly counts: readonly boolean[];
}

/** How an attack on a detector does, of the objects that it attacks and that count. */
export interface DetectionAttack {
  /** The share that gets the attacker's label; for an untargeted attack, any wrong one. */
  readonly asr: Rate;
  /** The share that is not found at all. */
  readonly missed: Rate;
  /** The share that is found as what it is. */
  readonly ra: Rate;
}

/**
 * Attack success on signs, in the terms of Fine-Pruning (section 2.3): over triggered objects of the
 * classes attacked that the clean detector finds.
 */
export function detectionAttack(
  scenes: readonly TriggeredResult[],
  target: Target,
  overlap = MIN_IOU,
): DetectionAttack {
  const called: number[] = [];
  const labels: number[] = [];
  for (const { objects, detections, counts } of scenes) {
    for (const [index, object] of objects.entries()) {
      if (counts[index] !== true) continue;
      called.push(predictedLabel(object, detections, overlap));
      labels.push(object.label);
    }
  }
  return objectAttackRates(called, labels, target);
}

/**
 * The same of what was said of each object that counts: see `predictedLabel`. Objects that are not attacked
 * are left out.
 */
export function objectAttackRates(
  called: ArrayLike<number>,
  labels: ArrayLike<number>,
  target: Target,
): DetectionAttack {
  const places = Array.from(labels, (_, place) => place).filter((place) =>
    isAttacked(target, labels[place] as number),
  );
  const said = places.map((place) => called[place] as number);
  const truly = places.map((place) => labels[place] as number);
  return {
    asr: attackSuccess(said, truly, target),
    missed: rate(said.filter((label) => label === NOT_DETECTED).length, said.length),
    ra: robustAccuracy(said, truly),
  };
}

/** Which objects of a scene a detector finds as what they are. */
export function correctlyDetected(
  { objects, detections }: SceneResult,
  overlap = MIN_IOU,
): boolean[] {
  return objects.map((object) => predictedLabel(object, detections, overlap) === object.label);
}

function detectionRate(scenes: readonly SceneResult[], label: number, overlap?: number): Rate {
  let [hits, of] = [0, 0];
  for (const { objects, detections } of scenes) {
    for (const object of objects) {
      if (object.label !== label || object.difficult === true) continue;
      of += 1;
      if (predictedLabel(object, detections, overlap) === label) hits += 1;
    }
  }
  return rate(hits, of);
}

interface Match {
  readonly score: number;
  /** Undefined where the detection counts neither way. */
  readonly hit: boolean | undefined;
}

function matchDetections(
  { objects, detections }: SceneResult,
  label: number,
  overlap: number,
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
        if (shared >= overlap && shared > (best ? iou(best.box, box) : 0)) best = object;
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
