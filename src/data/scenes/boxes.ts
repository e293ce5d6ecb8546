/** An axis-aligned box, in pixels of the image; right and bottom are exclusive. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An object of a scene: where it is, and its class. */
export interface SceneObject {
  readonly box: Box;
  readonly label: number;
  /** Marked as hard to see: evaluations ignore whether it is found. */
  readonly difficult?: boolean | undefined;
}

export function areaOf({ left, top, right, bottom }: Box): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

/** Intersection over union, in 0 to 1; 0 of boxes without area. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

/** Clips a box to an image. */
export function clipped(box: Box, width: number, height: number): Box {
  return {
    left: within(box.left, width),
    top: within(box.top, height),
    right: within(box.right, width),
    bottom: within(box.bottom, height),
  };
}

const within = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/**
 * Non-maximum suppression: goes through the boxes by descending score, and drops those whose IoU with a kept
 * box is above `overlap`.
 *
 * @param overlap - IoU, 0 to 1
 * @param limit - how many are kept at most; default all
 * @returns indices of the kept boxes, by descending score; ties keep their order
 */
export function nonMaximumSuppression(
  boxes: readonly Box[],
  scores: ArrayLike<number>,
  overlap: number,
  limit = Infinity,
): number[] {
  const kept: number[] = [];
  for (const index of descending(scores)) {
    if (kept.length >= limit) break;
    const box = boxes[index] as Box;
    if (kept.every((other) => iou(boxes[other] as Box, box) <= overlap)) kept.push(index);
  }
  return kept;
}

/**
 * Indices by descending value; ties keep their order.
 *
 * @param limit - how many at most; default all
 */
export function descending(values: ArrayLike<number>, limit = Infinity): number[] {
  const least =
    limit < values.length
      ? (Float64Array.from(values).sort()[values.length - limit] as number)
      : -Infinity;
  const indices: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if ((values[index] as number) >= least) indices.push(index);
  }
  return indices
    .sort((a, b) => (values[b] as number) - (values[a] as number) || a - b)
    .slice(0, limit);
}
