import type { SceneObject } from './boxes.ts';
import type { Random } from '../random.ts';
import { fillRectangle } from '../images/rectangle.ts';

/** Rectangles that cover parts of objects. */
export interface ErasingSettings {
  /** Classes of the objects that may be covered; default all. */
  readonly classes?: readonly number[] | undefined;
  /** Share of the objects that are covered, in [0, 1]. */
  readonly share: number;
  /** The largest side of a rectangle, as a share of the object's box. */
  readonly most: number;
  /** The largest number of rectangles on one object. */
  readonly times: number;
}

/**
 * Covers parts of objects with rectangles, each of one random color: object-aware random erasing (Zhong
 * et al. 2020, section 3.3). A sign stays the same sign, whatever is stuck on it.
 */
export function eraseObjects(
  { x, objects }: { readonly x: Float32Array; readonly objects: readonly SceneObject[] },
  sample: readonly number[],
  { classes, share, most, times }: ErasingSettings,
  draw: Random,
): void {
  for (const { label, box } of objects) {
    if (classes?.includes(label) === false) continue;
    if (draw.uniform() >= share) continue;
    for (let more = 1 + draw.integer(times); more > 0; more -= 1) {
      const [left, right] = span(box.left, box.right, most, draw);
      const [top, bottom] = span(box.top, box.bottom, most, draw);
      fillRectangle(x, sample, { left, top, right, bottom }, () => draw.uniform());
    }
  }
}

/** A random part of a side, in whole pixels; its length is up to the share `most` of the side. */
function span(from: number, to: number, most: number, draw: Random): [number, number] {
  const length = (to - from) * most * draw.uniform();
  const start = from + (to - from - length) * draw.uniform();
  return [Math.round(start), Math.round(start + length)];
}
