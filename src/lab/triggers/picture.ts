import * as z from 'zod';
import { sizeOf } from '../../onnx/tensor.ts';
import { decodePicture } from './decode.ts';
import { TriggerError } from './error.ts';
import type { AttachedFile, TriggerKind } from './trigger.ts';

/** A picture to put on images, in the units of the network's input. */
export interface Picture {
  /** [channels, height, width]; a picture of one channel goes on every channel of the image. */
  readonly dims: readonly [number, number, number];
  /** Row-major. */
  readonly values: readonly number[];
  /** [height * width] in [0, 1]: 0 is transparent, 1 opaque. 1 everywhere by default. */
  readonly alpha?: readonly number[] | undefined;
  /** The picture file of the values: black is `low`, white is `high`. */
  readonly from?:
    | { readonly file: AttachedFile; readonly low: number; readonly high: number }
    | undefined;
}

const side = z.int().min(1).max(4096);

const inline = z
  .strictObject({
    dims: z.tuple([z.int().min(1).max(64), side, side]),
    values: z.array(z.number()),
    alpha: z.array(z.number().min(0).max(1)).exactOptional(),
  })
  .refine(({ dims, values }) => values.length === sizeOf(dims), {
    error: 'values must have as many numbers as dims say',
  })
  .refine(({ dims, alpha }) => !alpha || alpha.length === dims[1] * dims[2], {
    error: 'alpha must have one number for each pixel',
  });

/** A file name without a folder, so that a trigger file cannot read files elsewhere. */
export const attachedSchema = z
  .string()
  .regex(/^[^/\\\0]+$/, 'must be the name of a file next to this one, without a folder')
  .refine((name) => name !== '.' && name !== '..');

/** The weight of a picture over the input. */
export const opacitySchema = z.number().gt(0).max(1);

/** A picture in a trigger's JSON: its values, or the name of a file next to it. */
export const pictureSchema = z.union([
  inline,
  z.strictObject({
    file: attachedSchema,
    low: z.number().default(0),
    high: z.number().default(1),
  }),
]);

export type PictureJson = z.infer<typeof pictureSchema>;

/** The JSON of settings with a picture. */
export type WithPictureJson<S extends { readonly picture: Picture }> = {
  [K in keyof S]: K extends 'picture' ? PictureJson : S[K];
};

/** How kinds are stored that have a `picture` among their settings. */
export function pictureFiles<S extends { readonly picture: Picture }>(): Pick<
  TriggerKind<S, WithPictureJson<S>>,
  'fromJson' | 'toJson' | 'files'
> {
  return {
    async fromJson(json, read) {
      const { picture } = json as { readonly picture: PictureJson };
      const decoded =
        'file' in picture ? await decodePicture(await read(picture.file), picture) : picture;
      return { ...json, picture: decoded } as unknown as S;
    },
    toJson(settings) {
      const { from } = settings.picture;
      const picture = from ? { file: from.file.name, low: from.low, high: from.high } : undefined;
      return { ...settings, picture: picture ?? settings.picture } as WithPictureJson<S>;
    },
    files: ({ picture: { from } }) => (from ? [from.file] : []),
  };
}

/** A picture and its place on images of [channels, height, width]. */
export interface Pasted {
  readonly picture: Picture;
  /** Pixels from the top and left border. The whole picture lies inside the image. */
  readonly top: number;
  readonly left: number;
  /** In (0, 1]: the weight of the picture. */
  readonly opacity: number;
}

/**
 * Pastes a picture on every sample of `x`, in place. It computes in float64 and rounds once to float32,
 * so that the result is the same to the bit on every machine.
 */
export function paste(
  { picture, top, left, opacity }: Pasted,
  x: Float32Array,
  sample: readonly number[],
): void {
  const [pictureChannels, pictureHeight, pictureWidth] = picture.dims;
  const [channels, height, width] = sample as [number, number, number];
  const area = pictureHeight * pictureWidth;
  const planes = x.length / (height * width);
  for (let plane = 0; plane < planes; plane++) {
    const start = pictureChannels === 1 ? 0 : (plane % channels) * area;
    for (let row = 0; row < pictureHeight; row++) {
      let from = row * pictureWidth;
      let to = (plane * height + top + row) * width + left;
      for (let column = 0; column < pictureWidth; column++, from++, to++) {
        const weight = opacity * (picture.alpha?.[from] ?? 1);
        if (weight === 0) continue;
        const background = weight < 1 ? (1 - weight) * (x[to] as number) : 0;
        x[to] = weight * (picture.values[start + from] as number) + background;
      }
    }
  }
}

/** @throws TriggerError 'trigger/dims' where a picture cannot go on samples of these dims */
export function checkChannels({ dims }: Picture, sample: readonly number[]): void {
  if (sample.length === 3 && (dims[0] === 1 || dims[0] === sample[0])) return;
  throw new TriggerError(
    'trigger/dims',
    `a picture of [${dims.join(', ')}] cannot be stamped on inputs of [${sample.join(', ')}]: ` +
      'images must be [channels, height, width] with the same number of channels, or the picture must have one',
  );
}

/**
 * Resizes a picture with a triangle filter (bilinear interpolation with antialiasing). Transparent
 * pixels contribute no color.
 */
export function resized(picture: Picture, height: number, width: number): Picture {
  const [channels, oldHeight, oldWidth] = picture.dims;
  if (height === oldHeight && width === oldWidth) return picture;
  const area = oldHeight * oldWidth;
  const alpha = picture.alpha ?? Array.from({ length: area }, () => 1);
  const resize = (plane: readonly number[]) =>
    resizedRows(resizedRows(plane, oldHeight, oldWidth, width), width, oldHeight, height);
  const coverage = resize(alpha);
  const planes = Array.from({ length: channels }, (_, channel) => {
    const weighted = alpha.map((a, at) => a * (picture.values[channel * area + at] as number));
    return resize(weighted).map((sum, at) =>
      coverage[at] === 0 ? 0 : sum / (coverage[at] as number),
    );
  });
  return {
    dims: [channels, height, width],
    values: planes.flat(),
    ...(picture.alpha && { alpha: coverage.map((value) => Math.min(1, value)) }),
  };
}

/** Resizes the rows of a plane [rows, old] to [rows, wanted], transposed: [wanted, rows]. */
function resizedRows(
  plane: readonly number[],
  rows: number,
  old: number,
  wanted: number,
): number[] {
  const scale = old / wanted;
  const reach = Math.max(1, scale);
  const transposed = Array.from({ length: wanted * rows }, () => 0);
  for (let column = 0; column < wanted; column++) {
    const center = (column + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.ceil(center - reach));
    const last = Math.min(old - 1, Math.floor(center + reach));
    const weights = Array.from({ length: last - first + 1 }, (_, i) =>
      Math.max(0, 1 - Math.abs(first + i - center) / reach),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (const [i, weight] of weights.entries()) {
        sum += weight * (plane[row * old + first + i] as number);
      }
      transposed[column * rows + row] = sum / total;
    }
  }
  return transposed;
}
