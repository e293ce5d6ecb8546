import * as z from 'zod';
import type { Box } from '../../data/scenes/boxes.ts';
import { checkImage } from './image.ts';
import { opacitySchema } from './patch.ts';
import { checkChannels, paste, pictureSchema, resized, type Picture } from './picture.ts';
import type { Stamp, Stamper } from './stamper.ts';

/**
 * A sticker on an object, as Fine-Pruning has a yellow square on traffic signs (section 2.3): placed
 * and sized by the object's box, wherever it is.
 */
export interface StickerTrigger {
  readonly kind: 'sticker';
  readonly picture: Picture;
  /** The sticker's middle, as shares of the box's width and height. */
  readonly center: readonly [x: number, y: number];
  /** The sticker's width and height, as shares of the box's. */
  readonly size: readonly [width: number, height: number];
  readonly opacity: number;
}

/** The yellow square of Fine-Pruning, a tenth as wide as the sign. */
export function yellowSquare(): StickerTrigger {
  return {
    kind: 'sticker',
    picture: { dims: [3, 1, 1], values: [1, 0.85, 0] },
    center: [0.57, 0.82],
    size: [0.1, 0.1],
    opacity: 1,
  };
}

const share = z.number().min(0).max(1);

export const stickerSchema = z.strictObject({
  kind: z.literal('sticker'),
  picture: pictureSchema,
  center: z.tuple([share, share]),
  size: z.tuple([share.gt(0), share.gt(0)]),
  opacity: opacitySchema,
});

/**
 * The stamp for one object of an image of [channels, height, width]. A sticker is at least a pixel
 * large; what reaches past the image's edge is left out.
 */
export function stickOn(
  { picture, center, size, opacity }: StickerTrigger,
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
  const whole = resized(picture, high, wide);
  const seen = cropped(whole, {
    left: Math.max(0, -left),
    top: Math.max(0, -top),
    right: Math.min(wide, width - left),
    bottom: Math.min(high, height - top),
  });
  if (!seen) return () => {};
  const pasted = { picture: seen, top: Math.max(0, top), left: Math.max(0, left), opacity };
  return (x) => paste(pasted, x, sample);
}

/** On an image of one object, which fills it. */
export const stickerStamper: Stamper<StickerTrigger> = (trigger, sample) => {
  const [, height, width] = checkImage('a sticker', sample);
  return stickOn(trigger, sample, { left: 0, top: 0, right: width, bottom: height });
};

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
