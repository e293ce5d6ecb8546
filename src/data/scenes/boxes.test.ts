import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { areaOf, clipped, descending, iou, nonMaximumSuppression, type Box } from './boxes.ts';

const golden = JSON.parse(
  readFileSync(new URL('../../../test/golden/data/detection.json', import.meta.url), 'utf8'),
) as {
  iou: { a: number[][]; b: number[][]; iou: number[][] };
  suppression: { boxes: number[][]; scores: number[]; overlap: number; kept: number[] }[];
};

const box = ([left = 0, top = 0, right = 0, bottom = 0]: number[]): Box => ({
  left,
  top,
  right,
  bottom,
});

const anyBox = fc
  .tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 20 })))
  .map(([left = 0, top = 0, width = 0, height = 0]) =>
    box([left, top, left + width, top + height]),
  );

describe('intersection over union', () => {
  test('is as torchvision has it', () => {
    const { a, b, iou: expected } = golden.iou;
    for (const [i, one] of a.entries()) {
      for (const [j, other] of b.entries()) {
        expect(iou(box(one), box(other))).toBeCloseTo(expected[i]?.[j] as number, 12);
      }
    }
  });

  test('counts the pixels that two boxes share', () => {
    fc.assert(
      fc.property(anyBox, anyBox, (a, b) => {
        let [shared, either] = [0, 0];
        for (let x = 0.5; x < 40; x += 1) {
          for (let y = 0.5; y < 40; y += 1) {
            const inside = ({ left, top, right, bottom }: Box) =>
              x > left && x < right && y > top && y < bottom;
            if (inside(a) && inside(b)) shared += 1;
            if (inside(a) || inside(b)) either += 1;
          }
        }
        expect(iou(a, b)).toBeCloseTo(either === 0 ? 0 : shared / either, 12);
      }),
    );
  });
});

test.each(golden.suppression)(
  'what torchvision keeps of $boxes.length boxes at $overlap is kept',
  ({ boxes, scores, overlap, kept }) => {
    expect(nonMaximumSuppression(boxes.map(box), scores, overlap)).toEqual(kept);
    expect(nonMaximumSuppression(boxes.map(box), scores, overlap, 3)).toEqual(kept.slice(0, 3));
  },
);

test('of equal scores the first box is kept', () => {
  const same = [box([0, 0, 4, 4]), box([0, 0, 4, 4]), box([9, 9, 12, 12])];
  expect(nonMaximumSuppression(same, [0.5, 0.5, 0.5], 0.5)).toEqual([0, 2]);
});

test('a box is clipped to its image, to nothing where it lies outside', () => {
  expect(clipped(box([-3, 2, 15, 30]), 10, 20)).toEqual(box([0, 2, 10, 20]));
  expect(areaOf(clipped(box([12, 2, 15, 9]), 10, 20))).toBe(0);
});

test('the highest values, with a limit, are the first of all of them in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 })),
      fc.integer({ min: 0, max: 12 }),
      (values, limit) => {
        expect(descending(values, limit)).toEqual(descending(values).slice(0, limit));
      },
    ),
  );
});
