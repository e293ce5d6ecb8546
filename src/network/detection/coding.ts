import { clipped, type Box } from '../../data/scenes/boxes.ts';
import type { DetectorSpec } from './spec.ts';

/** How far a box lies from another: middle in shares of the sides, sides as logarithms of ratios. */
export type Shift = readonly [x: number, y: number, width: number, height: number];

/** Four numbers that shifts are multiplied by. */
export type Weights = readonly [number, number, number, number];

const ONE: Weights = [1, 1, 1, 1];

/** No side grows by more than this, as in Detectron. */
export const LONGEST = Math.log(1000 / 16);

/**
 * The anchors of a detector: at every place of the features, row by row, a square of each side around
 * the middle of the place.
 */
export function anchorsOf({ size: [height, width], stride, anchors }: DetectorSpec): Box[] {
  const made: Box[] = [];
  for (let y = stride / 2; y < height; y += stride) {
    for (let x = stride / 2; x < width; x += stride) {
      for (const side of anchors) {
        const half = side / 2;
        made.push({ left: x - half, top: y - half, right: x + half, bottom: y + half });
      }
    }
  }
  return made;
}

/** From a box to another (Girshick et al. 2014, equations 6 to 9), times weights. */
export function encoded(from: Box, to: Box, weights: Weights = ONE): Shift {
  const [a, b] = [middleOf(from), middleOf(to)];
  return [
    (weights[0] * (b.x - a.x)) / a.width,
    (weights[1] * (b.y - a.y)) / a.height,
    weights[2] * Math.log(b.width / a.width),
    weights[3] * Math.log(b.height / a.height),
  ];
}

/** The other way: where a shift leads from a box. */
export function decoded(from: Box, shift: ArrayLike<number>, weights: Weights = ONE): Box {
  const { x, y, width, height } = middleOf(from);
  const part = (index: number) => (shift[index] as number) / (weights[index] as number);
  const wide = width * Math.exp(Math.min(part(2), LONGEST));
  const high = height * Math.exp(Math.min(part(3), LONGEST));
  const [left, top] = [x + part(0) * width - wide / 2, y + part(1) * height - high / 2];
  return { left, top, right: left + wide, bottom: top + high };
}

/** Boxes [boxes, 4] after shifts [boxes, 4], within the picture. */
export function decodedWithin(
  boxes: readonly Box[],
  shifts: Float32Array,
  { size: [height, width] }: DetectorSpec,
  weights: Weights = ONE,
): Box[] {
  return boxes.map((box, index) =>
    clipped(decoded(box, shifts.subarray(4 * index, 4 * index + 4), weights), width, height),
  );
}

function middleOf({ left, top, right, bottom }: Box) {
  const [width, height] = [right - left, bottom - top];
  return { x: left + width / 2, y: top + height / 2, width, height };
}
