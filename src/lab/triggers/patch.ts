import * as z from 'zod';
import { TriggerError } from './error.ts';
import { checkChannels, paste, pictureSchema, resized, type Picture } from './picture.ts';
import type { Stamper } from './stamper.ts';

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';

/** Where a patch lies on an image. */
export type Place =
  /** Pixels between the patch and the image's edge at that corner, across and down (or up). */
  | { readonly corner: Corner; readonly x: number; readonly y: number }
  /** The patch's middle, as shares of the image's width and height. */
  | { readonly center: readonly [x: number, y: number] };

/** A picture pasted at one place of an image, as in BadNets (Gu, Dolan-Gavitt, Garg 2017). */
export interface PatchTrigger {
  readonly kind: 'patch';
  readonly picture: Picture;
  /** [height, width] in pixels on the image; the picture's own by default. */
  readonly size?: readonly [height: number, width: number] | undefined;
  readonly place: Place;
  /** 1 replaces the input, less lets it shine through; in (0, 1]. */
  readonly opacity: number;
}

const unit = z.number().min(0).max(1);
export const opacitySchema = z.number().gt(0).max(1);

export const patchSchema = z.strictObject({
  kind: z.literal('patch'),
  picture: pictureSchema,
  size: z.tuple([z.int().min(1), z.int().min(1)]).exactOptional(),
  place: z.union([
    z.strictObject({
      corner: z.enum(['top-left', 'top-right', 'bottom-left', 'bottom-right']),
      x: z.int().min(0),
      y: z.int().min(0),
    }),
    z.strictObject({ center: z.tuple([unit, unit]) }),
  ]),
  opacity: opacitySchema,
});

const BOTTOM_RIGHT = { corner: 'bottom-right', x: 1, y: 1 } as const;

/** A square of one value. */
export function squarePatch(
  size: number,
  value: number,
  place: Place = BOTTOM_RIGHT,
): PatchTrigger {
  return patternPatch(size, () => value, place);
}

/** A checkerboard of bright and dark pixels: a texture that natural strokes do not have. */
export function checkerPatch(
  size: number,
  value: number,
  place: Place = BOTTOM_RIGHT,
): PatchTrigger {
  return patternPatch(size, (row, column) => ((row + column) % 2 === 0 ? value : 0), place);
}

/** The four bright pixels of BadNets' pattern backdoor, by default where it has them in MNIST. */
export function badNetsPatch(value = 1, place: Place = BOTTOM_RIGHT): PatchTrigger {
  const alpha = [0, 0, 1, 0, 1, 0, 1, 0, 1];
  const patch = squarePatch(3, value, place);
  return { ...patch, picture: { ...patch.picture, alpha } };
}

function patternPatch(
  size: number,
  value: (row: number, column: number) => number,
  place: Place,
): PatchTrigger {
  const values = Array.from({ length: size * size }, (_, i) =>
    value(Math.floor(i / size), i % size),
  );
  return { kind: 'patch', picture: { dims: [1, size, size], values }, place, opacity: 1 };
}

/**
 * Pastes the picture on images of [channels, height, width].
 *
 * @throws TriggerError `trigger/dims`, `trigger/outside`
 */
export const patchStamper: Stamper<PatchTrigger> = (trigger, sample) => {
  checkChannels(trigger.picture, sample);
  const [, ownHeight, ownWidth] = trigger.picture.dims;
  const [patchHeight, patchWidth] = trigger.size ?? [ownHeight, ownWidth];
  const { place, opacity } = trigger;
  const [, height, width] = sample as [number, number, number];
  const [top, left] = cornerOf(
    place,
    [height - patchHeight, width - patchWidth],
    [height, width],
    [patchHeight, patchWidth],
  );
  if (top < 0 || left < 0 || top + patchHeight > height || left + patchWidth > width) {
    throw new TriggerError(
      'trigger/outside',
      `a patch of ${patchHeight} x ${patchWidth} at ${JSON.stringify(place)} does not lie inside ` +
        `images of ${height} x ${width}: move it or make it smaller`,
    );
  }
  const pasted = {
    picture: resized(trigger.picture, patchHeight, patchWidth),
    top,
    left,
    opacity,
  };
  return (x) => paste(pasted, x, sample);
};

function cornerOf(
  place: Place,
  [down, right]: readonly [number, number],
  [height, width]: readonly [number, number],
  [patchHeight, patchWidth]: readonly [number, number],
): [top: number, left: number] {
  if ('center' in place) {
    return [
      Math.round(place.center[1] * height - patchHeight / 2),
      Math.round(place.center[0] * width - patchWidth / 2),
    ];
  }
  return [
    place.corner.startsWith('top') ? place.y : down - place.y,
    place.corner.endsWith('left') ? place.x : right - place.x,
  ];
}
