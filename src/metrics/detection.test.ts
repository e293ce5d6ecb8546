import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Box } from '../data/scenes/boxes.ts';
import {
  averagePrecision,
  predictedLabel,
  detectionAttack,
  evaluateDetections,
  correctlyDetected,
  mapStandardError,
  type Detection,
  type SceneResult,
} from './detection.ts';
import { NOT_DETECTED } from './target.ts';

interface Golden {
  readonly scenes: readonly {
    readonly objects: readonly { box: number[]; label: number; difficult: boolean }[];
    readonly detections: readonly { box: number[]; label: number; score: number }[];
  }[];
  readonly by: readonly {
    readonly overlap: number;
    readonly classes: readonly (Record<'area' | 'coco', number> | null)[];
  }[];
}

const golden = (
  JSON.parse(
    readFileSync(new URL('../../test/golden/data/detection.json', import.meta.url), 'utf8'),
  ) as { precision: Golden }
).precision;

const boxOf = ([left = 0, top = 0, right = 0, bottom = 0]: number[]): Box => ({
  left,
  top,
  right,
  bottom,
});

/** A box of 10 x 10 at x. */
const at = (x: number): Box => ({ left: x, top: 0, right: x + 10, bottom: 10 });
const seen = (x: number, score: number, label = 0): Detection => ({ box: at(x), label, score });

describe('average precision', () => {
  const scenes: SceneResult[] = golden.scenes.map(({ objects, detections }) => ({
    objects: objects.map((one) => ({ ...one, box: boxOf(one.box) })),
    detections: detections.map((one) => ({ ...one, box: boxOf(one.box) })),
  }));

  test.each(golden.by)('at an IoU of $overlap equals the reference', (by) => {
    for (const [label, expected] of by.classes.entries()) {
      for (const interpolation of ['area', 'coco'] as const) {
        const made = averagePrecision(scenes, label, { minIou: by.overlap, interpolation });
        if (expected === null) expect(made).toBeNull();
        else expect(made).toBeCloseTo(expected[interpolation], 12);
      }
    }
    expect(by.classes.filter((one) => one !== null).length).toBe(3);
  });

  test('by hand: a hit, a miss, a hit, of three objects', () => {
    const scene: SceneResult = {
      objects: [0, 20, 40].map((x) => ({ box: at(x), label: 0 })),
      detections: [seen(0, 0.9), seen(70, 0.8), seen(21, 0.7)],
    };
    // Precision 1 up to a recall of 1/3, 2/3 up to 2/3, none beyond.
    expect(averagePrecision([scene], 0)).toBeCloseTo(1 / 3 + (1 / 3) * (2 / 3), 12);
    expect(averagePrecision([scene], 0, { interpolation: 'coco' })).toBeCloseTo(
      (34 + 33 * (2 / 3)) / 101,
      12,
    );
  });

  test('a second detection of one object is a false positive', () => {
    const objects = [{ box: at(0), label: 0 }];
    const twice = { objects, detections: [seen(1, 0.9), seen(0, 0.8)] };
    expect(averagePrecision([twice], 0)).toBe(1);
    const wrongFirst = { objects, detections: [seen(50, 0.9), seen(0, 0.8)] };
    expect(averagePrecision([wrongFirst], 0)).toBe(0.5);
  });

  test('a difficult object is ignored', () => {
    const scene: SceneResult = {
      objects: [
        { box: at(0), label: 0 },
        { box: at(30), label: 0, difficult: true },
      ],
      detections: [seen(30, 0.9), seen(0, 0.8)],
    };
    expect(averagePrecision([scene], 0)).toBe(1);
    expect(evaluateDetections([scene], 1).acc).toMatchObject({ hits: 1, of: 1 });
  });

  test('is null for a class that does not occur, which the mean ignores', () => {
    const scene = { objects: [{ box: at(0), label: 1 }], detections: [seen(0, 0.9, 1)] };
    const { ap, map } = evaluateDetections([scene], 3);
    expect(ap).toEqual([null, 1, null]);
    expect(map).toBe(1);
  });
});

const seenOrNot = (found: boolean): SceneResult => ({
  objects: [{ box: at(0), label: 0 }],
  detections: found ? [seen(0, 0.9)] : [],
});

test('the standard error of mean average precision is the jackknife over scenes', () => {
  // Without a scene that is found the mean is 2/3, without the other 1: it is a share, whose error by
  // the jackknife is √(p(1 - p)/(n - 1)).
  const scenes = [true, true, true, false].map(seenOrNot);
  expect(mapStandardError(scenes, 1)).toBeCloseTo(Math.sqrt((0.75 * 0.25) / 3), 12);
  expect(mapStandardError([true, true].map(seenOrNot), 1)).toBe(0);
});

describe('the predicted label of an object', () => {
  test('is the label of the matching detection with the highest score', () => {
    const object = { box: at(0) };
    expect(predictedLabel(object, [seen(0, 0.6, 1), seen(2, 0.9, 2)])).toBe(2);
    // Elsewhere, and too unsure.
    expect(predictedLabel(object, [seen(9, 0.9, 1), seen(0, 0.4, 2)])).toBe(NOT_DETECTED);
  });

  test('gives the accuracy by class', () => {
    const scene: SceneResult = {
      objects: [
        { box: at(0), label: 0 },
        { box: at(20), label: 0 },
        { box: at(40), label: 1 },
      ],
      detections: [seen(0, 0.9), seen(20, 0.8, 1), seen(40, 0.7, 1)],
    };
    const { classes, acc } = evaluateDetections([scene], 2);
    expect(classes.map(({ hits, of }) => [hits, of])).toEqual([
      [1, 2],
      [1, 1],
    ]);
    expect(acc).toMatchObject({ hits: 2, of: 3 });
  });
});

describe('an attack on a detector', () => {
  const objects = [0, 20, 40, 60, 80].map((x) => ({ box: at(x), label: x === 80 ? 1 : 2 }));
  // Without the trigger the fourth is not found, and the fifth is of another class.
  const clean = [0, 20, 40].map((x) => seen(x, 0.9, 2)).concat(seen(80, 0.9, 1));
  const counts = correctlyDetected({ objects, detections: clean });
  const scene = {
    objects,
    counted: counts,
    detections: [
      seen(0, 0.9, 1),
      seen(0, 0.8, 2),
      seen(20, 0.9, 2),
      seen(60, 0.9, 1),
      seen(80, 0.9, 0),
    ],
  };

  test('counts objects of its classes that are detected without the trigger', () => {
    expect(counts).toEqual([true, true, true, false, true]);
    const { asr, missed, ra } = detectionAttack([scene], {
      kind: 'source-to-target',
      source: 2,
      target: 1,
    });
    expect([asr, missed, ra].map(({ hits, of }) => [hits, of])).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
  });

  test('untargeted: any wrong label is a success, no detection is none', () => {
    const { asr, missed } = detectionAttack([scene], { kind: 'untargeted' });
    expect([asr.hits, asr.of, missed.hits]).toEqual([2, 4, 1]);
  });
});
