import type { Dataset, SceneObject } from '../../data/index.ts';
import type { Outcome } from '../../defense/index.ts';
import type { TestData } from '../../network/index.ts';
import { MIN_SCORE, isAttacked, type Detection } from '../../metrics/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import { pixelsFromPlanes, pngDataUri } from '../page/png.ts';
import type { Scenes } from './record.ts';

/** Attacked scenes that are shown, each without and with the trigger. */
const TRIGGERED = 2;
/** Further classes of which one scene is shown, without the trigger. */
const OTHERS = 2;

type SceneRef = { readonly of: 'test' | 'triggered'; readonly index: number };

/**
 * Test scenes with the detections before and after: the first attacked ones, without and with the
 * trigger, and the first one of some other classes. Undefined for a classifier.
 */
export async function scenesOf(
  outcomes: readonly Outcome[],
  test: TestData,
): Promise<Scenes | undefined> {
  const [before, after] = [outcomes[0]?.predictions, outcomes.at(-1)?.predictions];
  const { clean, triggered } = test;
  if (!before?.clean.detections || !after?.clean.detections) return undefined;
  const { classes } = clean;
  const shown: Scenes['shown'] = [];
  for (const { of, index } of chosenScenes(test)) {
    const dataset = of === 'test' ? clean : triggered?.dataset;
    if (!dataset) continue;
    const found = (predictions: typeof before) => {
      const answers = of === 'test' ? predictions.clean : predictions.triggered;
      return (answers?.detections?.[index] ?? []).flatMap((detection) =>
        detection.score >= MIN_SCORE ? [named(detection, classes)] : [],
      );
    };
    shown.push({
      of,
      image: await pictureOf(dataset, index),
      truth: (dataset.objects?.[index] ?? []).map(({ box, label }) => ({
        box,
        label: classes[label] ?? '',
      })),
      before: found(before),
      after: found(after),
    });
  }
  return { classes: [...classes], shown };
}

function chosenScenes({ clean, triggered }: TestData): SceneRef[] {
  const scenes = clean.objects ?? [];
  const chosen: SceneRef[] = [];
  const attacked = (objects: readonly SceneObject[]) =>
    triggered &&
    objects.some(
      ({ label, difficult }) => difficult !== true && isAttacked(triggered.target, label),
    );
  for (const [index, objects] of (triggered?.dataset.objects ?? []).entries()) {
    if (chosen.length >= 2 * TRIGGERED || !attacked(objects)) continue;
    const same = scenes.findIndex((other) => areSame(other, objects));
    if (same >= 0) chosen.push({ of: 'test', index: same }, { of: 'triggered', index });
  }
  const others = clean.classes.flatMap((_, label) => {
    const index = clean.labels.findIndex(
      (own, at) => own === label && !attacked(scenes[at] as readonly SceneObject[]),
    );
    return index >= 0 ? [{ of: 'test' as const, index }] : [];
  });
  return [...chosen, ...others.slice(0, OTHERS)];
}

/** Whether two scenes have the same objects at the same places: then they are the same scene. */
function areSame(a: readonly SceneObject[], b: readonly SceneObject[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ box, label }, at) => {
      const other = b[at];
      return (
        other?.label === label &&
        (['left', 'top', 'right', 'bottom'] as const).every((side) => box[side] === other.box[side])
      );
    })
  );
}

function named({ box, label, score }: Detection, classes: readonly string[]) {
  return { box, label: classes[label] ?? '', score };
}

async function pictureOf(dataset: Dataset, index: number): Promise<string> {
  const values = new Float32Array(sizeOf(dataset.sample));
  await dataset.read([index], values);
  return pngDataUri(pixelsFromPlanes(values, dataset.sample));
}
