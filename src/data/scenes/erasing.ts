import type { SceneObject } from './boxes.ts';
import type { Random } from '../random.ts';
import { fillRectangle } from '../images/rectangle.ts';

/** Patches that are put on objects. */
export interface CoverSettings {
  /** Classes of the objects that something may be stuck on; default all. */
  readonly classes?: readonly number[] | undefined;
  /** Share of the objects that are covered, in [0, 1]. */
  readonly share: number;
  /** Sides of a patch, as shares of the object's box: up to this. */
  readonly most: number;
  /** The most patches on one object. */
  readonly times: number;
}

/**
 * Covers parts of objects with patches, each of one color: whatever is stuck on it, a sign is the same
 * (object-aware random erasing: Zhong et al. 2020, section 3.3).
 */
export function cover(
  { x, objects }: { readonly x: Float32Array; readonly objects: readonly SceneObject[] },
  sample: readonly number[],
  { classes, share, most, times }: CoverSettings,
  draw: Random,
): void {
  for (const { label, box } of objects) {
    if (classes?.includes(label) === false) continue;
    if (draw.uniform() >= share) continue;
    for (let patch = 1 + draw.integer(times); patch > 0; patch -= 1) {
      const [left, right] = span(box.left, box.right, most, draw);
      const [top, bottom] = span(box.top, box.bottom, most, draw);
      fillRectangle(x, sample, { left, top, right, bottom }, () => draw.uniform());
    }
  }
}

/** Whole pixels from and to, of a part of a side that is up to `most` of it. */
function span(from: number, to: number, most: number, draw: Random): [number, number] {
  const length = (to - from) * most * draw.uniform();
  const start = from + (to - from - length) * draw.uniform();
  return [Math.round(start), Math.round(start + length)];
}
