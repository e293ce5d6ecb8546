import { clipped, type Box } from '../../data/scenes/boxes.ts';
import type { DetectorSpec } from './spec.ts';

/** A box relative to another: shift of the center in units of the sides, and log ratios of the sides. */
export type BoxDelta = readonly [x: number, y: number, width: number, height: number];

/** The factors of the four deltas. */
export type DeltaWeights = readonly [number, number, number, number];

const ONE: DeltaWeights = [1, 1, 1, 1];

/** Limit of a log ratio of sides, as in Detectron. */
export const MAX_LOG_SCALE = Math.log(1000 / 16);

/**
 * The anchors of a detector: for every position of the feature map, row by row, a square of each size
 * around its center.
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

/** The deltas from one box to another (Girshick et al. 2014, equations 6 to 9), times the weights. */
export function encodeBox(from: Box, to: Box, weights: DeltaWeights = ONE): BoxDelta {
  const [a, b] = [centerOf(from), centerOf(to)];
  return [
    (weights[0] * (b.x - a.x)) / a.width,
    (weights[1] * (b.y - a.y)) / a.height,
    weights[2] * Math.log(b.width / a.width),
    weights[3] * Math.log(b.height / a.height),
  ];
}

/** The inverse of `encodeBox`: applies deltas to a box. */
export function decodeBox(from: Box, delta: ArrayLike<number>, weights: DeltaWeights = ONE): Box {
  const { x, y, width, height } = centerOf(from);
  const part = (index: number) => (delta[index] as number) / (weights[index] as number);
  const wide = width * Math.exp(Math.min(part(2), MAX_LOG_SCALE));
  const high = height * Math.exp(Math.min(part(3), MAX_LOG_SCALE));
  const [left, top] = [x + part(0) * width - wide / 2, y + part(1) * height - high / 2];
  return { left, top, right: left + wide, bottom: top + high };
}

/** Applies deltas [boxes, 4] to boxes, and clips the results to the image. */
export function decodeBoxes(
  boxes: readonly Box[],
  deltas: Float32Array,
  { size: [height, width] }: DetectorSpec,
  weights: DeltaWeights = ONE,
): Box[] {
  return boxes.map((box, index) =>
    clipped(decodeBox(box, deltas.subarray(4 * index, 4 * index + 4), weights), width, height),
  );
}

function centerOf({ left, top, right, bottom }: Box) {
  const [width, height] = [right - left, bottom - top];
  return { x: left + width / 2, y: top + height / 2, width, height };
}
