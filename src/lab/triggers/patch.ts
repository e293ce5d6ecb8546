import * as z from 'zod';
import { TriggerError } from './error.ts';
import {
  checkChannels,
  opacitySchema,
  paste,
  pictureFiles,
  pictureSchema,
  resized,
  type Picture,
  type WithPictureJson,
} from './picture.ts';
import type { Stamp, Trigger, TriggerKind } from './trigger.ts';

export type Corner = 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';

/** Where a patch lies on an image. */
export type Place =
  /** Pixels between the patch and the image's border at that corner, horizontally and vertically. */
  | { readonly corner: Corner; readonly x: number; readonly y: number }
  /** The center of the patch, as shares of the image's width and height. */
  | { readonly center: readonly [x: number, y: number] };

export interface PatchSettings {
  readonly picture: Picture;
  /** [height, width] in pixels on the image; by default that of the picture. */
  readonly size?: readonly [height: number, width: number] | undefined;
  readonly place: Place;
  /** In (0, 1]: the weight of the picture; the rest is the input's. */
  readonly opacity: number;
}

const share = z.number().min(0).max(1);

const schema = z.strictObject({
  picture: pictureSchema,
  size: z.tuple([z.int().min(1), z.int().min(1)]).exactOptional(),
  place: z.union([
    z.strictObject({
      corner: z.enum(['top-left', 'top-right', 'bottom-left', 'bottom-right']),
      x: z.int().min(0),
      y: z.int().min(0),
    }),
    z.strictObject({ center: z.tuple([share, share]) }),
  ]),
  opacity: opacitySchema,
});

/** A picture pasted at one place of an image, as in BadNets (Gu, Dolan-Gavitt, Garg 2017). */
export const patch: TriggerKind<PatchSettings, WithPictureJson<PatchSettings>> = {
  name: 'patch',
  description: 'a picture pasted at one place of an image',
  schema,
  ...pictureFiles<PatchSettings>(),
  stamper: patchStamper,
};

const BOTTOM_RIGHT = { corner: 'bottom-right', x: 1, y: 1 } as const;

/** A square patch of one value. */
export function squarePatch(
  size: number,
  value: number,
  place: Place = BOTTOM_RIGHT,
): Trigger<PatchSettings> {
  return patternPatch(size, () => value, place);
}

/** A checkerboard of bright and dark pixels: a texture that handwriting does not have. */
export function checkerPatch(
  size: number,
  value: number,
  place: Place = BOTTOM_RIGHT,
): Trigger<PatchSettings> {
  return patternPatch(size, (row, column) => ((row + column) % 2 === 0 ? value : 0), place);
}

/** The four bright pixels of BadNets' pattern backdoor; by default at its place in MNIST. */
export function badNetsPatch(value = 1, place: Place = BOTTOM_RIGHT): Trigger<PatchSettings> {
  const alpha = [0, 0, 1, 0, 1, 0, 1, 0, 1];
  const { settings } = squarePatch(3, value, place);
  return { kind: patch, settings: { ...settings, picture: { ...settings.picture, alpha } } };
}

function patternPatch(
  size: number,
  value: (row: number, column: number) => number,
  place: Place,
): Trigger<PatchSettings> {
  const values = Array.from({ length: size * size }, (_, i) =>
    value(Math.floor(i / size), i % size),
  );
  const picture = { dims: [1, size, size], values } as const;
  return { kind: patch, settings: { picture, place, opacity: 1 } };
}

function patchStamper(settings: PatchSettings, sample: readonly number[]): Stamp {
  checkChannels(settings.picture, sample);
  const [, ownHeight, ownWidth] = settings.picture.dims;
  const [patchHeight, patchWidth] = settings.size ?? [ownHeight, ownWidth];
  const { place, opacity } = settings;
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
    picture: resized(settings.picture, patchHeight, patchWidth),
    top,
    left,
    opacity,
  };
  return (x) => paste(pasted, x, sample);
}

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
