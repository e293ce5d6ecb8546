import * as z from 'zod';
import type { Box } from '../../data/scenes/boxes.ts';
import { checkImage } from './image.ts';
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

export interface StickerSettings {
  readonly picture: Picture;
  /** The center of the sticker, as shares of the box's width and height. */
  readonly center: readonly [x: number, y: number];
  /** The sticker's width and height, as shares of the box's. */
  readonly size: readonly [width: number, height: number];
  readonly opacity: number;
}

const share = z.number().min(0).max(1);

const schema = z.strictObject({
  picture: pictureSchema,
  center: z.tuple([share, share]),
  size: z.tuple([share.gt(0), share.gt(0)]),
  opacity: opacitySchema,
});

/** A sticker is at least one pixel large. What lies outside the image is left out. */
function stickOn(
  { picture, center, size, opacity }: StickerSettings,
  sample: readonly number[],
  box: Box,
): Stamp {
  checkChannels(picture, sample);
  const [, height, width] = checkImage('a sticker', sample);
  const [boxWidth, boxHeight] = [box.right - box.left, box.bottom - box.top];
  const wide = Math.max(1, Math.round(size[0] * boxWidth));
  const high = Math.max(1, Math.round(size[1] * boxHeight));
  const left = Math.round(box.left + center[0] * boxWidth - wide / 2);
  const top = Math.round(box.top + center[1] * boxHeight - high / 2);
  const visible = cropped(resized(picture, high, wide), {
    left: Math.max(0, -left),
    top: Math.max(0, -top),
    right: Math.min(wide, width - left),
    bottom: Math.min(high, height - top),
  });
  if (!visible) return () => {};
  const pasted = { picture: visible, top: Math.max(0, top), left: Math.max(0, left), opacity };
  return (x) => paste(pasted, x, sample);
}

/**
 * A picture on an object, such as the yellow square on traffic signs of Fine-Pruning (section 2.3). The
 * object's box says where it lies and how large it is. On an image without boxes, the whole image is the
 * object.
 */
export const sticker: TriggerKind<StickerSettings, WithPictureJson<StickerSettings>> = {
  name: 'sticker',
  description: "a picture on an object, placed and sized by the object's box",
  schema,
  ...pictureFiles<StickerSettings>(),
  stamper(settings, sample) {
    const [, height, width] = checkImage('a sticker', sample);
    return stickOn(settings, sample, { left: 0, top: 0, right: width, bottom: height });
  },
  objectStamper: stickOn,
};

/** The yellow square of Fine-Pruning, a tenth as wide as the sign. */
export function yellowSquare(): Trigger<StickerSettings> {
  return {
    kind: sticker,
    settings: {
      picture: { dims: [3, 1, 1], values: [1, 0.85, 0] },
      center: [0.57, 0.82],
      size: [0.1, 0.1],
      opacity: 1,
    },
  };
}

function cropped(picture: Picture, { left, top, right, bottom }: Box): Picture | undefined {
  const [channels, height, width] = picture.dims;
  const dims = [channels, bottom - top, right - left] as const;
  if (dims[1] <= 0 || dims[2] <= 0) return undefined;
  if (dims[1] === height && dims[2] === width) return picture;
  const cut = (plane: readonly number[]) =>
    plane.filter((_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      return row >= top && row < bottom && column >= left && column < right;
    });
  const area = height * width;
  return {
    dims,
    values: Array.from({ length: channels }, (_, channel) =>
      cut(picture.values.slice(channel * area, (channel + 1) * area)),
    ).flat(),
    ...(picture.alpha && { alpha: cut(picture.alpha) }),
  };
}
