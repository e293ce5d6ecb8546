import * as z from 'zod';
import { sizeOf } from '../../onnx/tensor.ts';
import { TriggerError } from './error.ts';

/** A file that lies beside a trigger's JSON, and is written there again as it was read. */
export interface BesideFile {
  /** Its name, without any folder. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A picture to put on images, in the units of the network's input. */
export interface Picture {
  /** [channels, height, width]; a picture of one channel goes on all. */
  readonly dims: readonly [number, number, number];
  /** Row-major. */
  readonly values: readonly number[];
  /** [height * width] in [0, 1]: 0 leaves what is under it as it is. 1 everywhere by default. */
  readonly alpha?: readonly number[] | undefined;
  /** The picture file that the values came from: black as `low`, white as `high`. */
  readonly from?:
    | { readonly file: BesideFile; readonly low: number; readonly high: number }
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
    error: 'a picture has as many values as its dims make',
  })
  .refine(({ dims, alpha }) => !alpha || alpha.length === dims[1] * dims[2], {
    error: 'alpha has one number for each pixel',
  });

/** A file's name alone: what lies in other folders is nobody's trigger. */
export const besideSchema = z
  .string()
  .regex(/^[^/\\\0]+$/, 'the name of a file beside this one, without a folder')
  .refine((name) => name !== '.' && name !== '..');

/** A picture in a trigger's JSON: written out, or the name of a file beside it. */
export const pictureSchema = z.union([
  inline,
  z.strictObject({
    file: besideSchema,
    low: z.number().default(0),
    high: z.number().default(1),
  }),
]);

export type PictureJson = z.infer<typeof pictureSchema>;

/** What is put where, on images of [channels, height, width]. */
export interface Pasted {
  readonly picture: Picture;
  /** Pixels from the image's edges; the whole picture lies inside the image. */
  readonly top: number;
  readonly left: number;
  /** 1 covers, less lets what is under it shine through. */
  readonly opacity: number;
}

/**
 * Puts a picture on every sample of `x`, in place. Computed in float64 and rounded once to float32,
 * so that the result is the same to the bit everywhere.
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
        const cover = opacity * (picture.alpha?.[from] ?? 1);
        if (cover === 0) continue;
        const under = cover < 1 ? (1 - cover) * (x[to] as number) : 0;
        x[to] = cover * (picture.values[start + from] as number) + under;
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
      'it needs images of [channels, height, width] with as many channels, or a picture of one',
  );
}

/**
 * The picture in another size: each new pixel is the mean of those around it, weighted by a triangle
 * that is as wide as a pixel of the smaller of the two pictures. What is transparent lends no color.
 */
export function resized(picture: Picture, height: number, width: number): Picture {
  const [channels, oldHeight, oldWidth] = picture.dims;
  if (height === oldHeight && width === oldWidth) return picture;
  const area = oldHeight * oldWidth;
  const alpha = picture.alpha ?? Array.from({ length: area }, () => 1);
  const resize = (plane: readonly number[]) =>
    along(along(plane, oldHeight, oldWidth, width), width, oldHeight, height);
  const cover = resize(alpha);
  const planes = Array.from({ length: channels }, (_, channel) => {
    const weighted = alpha.map((a, at) => a * (picture.values[channel * area + at] as number));
    return resize(weighted).map((sum, at) => (cover[at] === 0 ? 0 : sum / (cover[at] as number)));
  });
  return {
    dims: [channels, height, width],
    values: planes.flat(),
    ...(picture.alpha && { alpha: cover.map((value) => Math.min(1, value)) }),
  };
}

/** Resizes the rows of a plane [rows, old] to [rows, wanted], and turns it: [wanted, rows]. */
function along(plane: readonly number[], rows: number, old: number, wanted: number): number[] {
  const scale = old / wanted;
  const reach = Math.max(1, scale);
  const turned = Array.from({ length: wanted * rows }, () => 0);
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
      turned[column * rows + row] = sum / total;
    }
  }
  return turned;
}
