import type { Preprocess } from './preprocess.ts';

/** The order of an image's axes in a network's input. */
export type Layout = 'NCHW' | 'NHWC';

/** The layout and scale of images in samples, and the conversion in both directions. */
export interface PictureCode {
  /** [channels, height, width] of an image, whatever the layout of the samples. */
  readonly dims: readonly [channels: number, height: number, width: number];
  readonly layout: Layout;
  /** The value of a black pixel in each channel of a sample, in the sample's order of channels. */
  readonly black: readonly number[];
  /** The value of a white pixel. */
  readonly white: readonly number[];
  /** Converts an image [channels, height, width] in 0 to 1 to a sample. */
  encode(picture: Float32Array, into: Float32Array): void;
  /** Converts an image in bytes, where 255 is 1. */
  encodeBytes(picture: Uint8Array, into: Float32Array): void;
  /** Converts a sample to an image [channels, height, width] in 0 to 1; images of bytes return exactly. */
  decode(sample: Float32Array): Float32Array;
}

/** The conversion for images of some dims, for a network with this layout and preprocessing. */
export function pictureCode(
  dims: readonly [number, number, number],
  layout: Layout,
  { mean, std, channels }: Pick<Preprocess, 'mean' | 'std' | 'channels'>,
): PictureCode {
  const [count, height, width] = dims;
  const area = height * width;
  const parts = Array.from({ length: count }, (_, plane) => {
    const at = channels === 'bgr' ? count - 1 - plane : plane;
    const [m, s] = [channelOf(mean, plane, count), channelOf(std, plane, count)];
    return {
      plane: plane * area,
      first: layout === 'NCHW' ? at * area : at,
      step: layout === 'NCHW' ? 1 : count,
      channel: at,
      scaled: (value: number) => (value - m) / s,
      plain: (value: number) => value * s + m,
      table: Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - m) / s),
    };
  });
  const inOrder = [...parts].sort((a, b) => a.channel - b.channel);
  return {
    dims,
    layout,
    black: inOrder.map(({ table }) => table[0] as number),
    white: inOrder.map(({ table }) => table[255] as number),
    encode(picture, into) {
      for (const { plane, first, step, scaled } of parts) {
        for (let i = 0; i < area; i += 1) {
          into[first + i * step] = scaled(picture[plane + i] as number);
        }
      }
    },
    encodeBytes(picture, into) {
      for (const { plane, first, step, table } of parts) {
        for (let i = 0; i < area; i += 1) {
          into[first + i * step] = table[picture[plane + i] as number] as number;
        }
      }
    },
    decode(sample) {
      const picture = new Float32Array(count * area);
      for (const { plane, first, step, plain } of parts) {
        for (let i = 0; i < area; i += 1) {
          picture[plane + i] = inBytes(plain(sample[first + i * step] as number));
        }
      }
      return picture;
    },
  };
}

/** Rounds a value close to a multiple of 1/255 to it: scaling in both directions has rounding errors. */
function inBytes(value: number): number {
  // Adding 0 turns -0 into 0.
  const byte = Math.round(value * 255) + 0;
  return Math.abs(value * 255 - byte) < 1e-3 ? byte / 255 : value;
}

/** The value of a channel. A gray image gets the mean of the values of three channels. */
function channelOf(values: readonly number[], channel: number, count: number): number {
  if (values.length === 1) return values[0] as number;
  if (count === values.length) return values[channel] as number;
  return values.reduce((a, b) => a + b, 0) / values.length;
}
