import type { Preprocess } from './preprocess.ts';

/** The order of an image's axes in a network's input. */
export type Layout = 'NCHW' | 'NHWC';

/** How pictures are laid out and scaled in samples, and how to get them back. */
export interface PictureCode {
  /** [channels, height, width] of a picture, whatever the layout of the samples. */
  readonly dims: readonly [channels: number, height: number, width: number];
  readonly layout: Layout;
  /** What a black pixel is in each channel of a sample, in the sample's order of channels. */
  readonly black: readonly number[];
  /** The same of a white one. */
  readonly white: readonly number[];
  /** Makes a sample of a picture [channels, height, width] with values in 0 to 1. */
  encode(picture: Float32Array, into: Float32Array): void;
  /** The same of bytes, of which 255 is 1. */
  encodeBytes(picture: Uint8Array, into: Float32Array): void;
  /**
   * The picture of a sample, [channels, height, width] in 0 to 1. What came from bytes comes back to
   * the bit.
   */
  decode(sample: Float32Array): Float32Array;
}

/** The code of pictures of some dims for a network of a layout, after preprocessing. */
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

/** A value next to a whole number of 255ths is that number: scaling there and back moves it a little. */
function inBytes(value: number): number {
  // Not -0, which is next to 0 too.
  const byte = Math.round(value * 255) + 0;
  return Math.abs(value * 255 - byte) < 1e-3 ? byte / 255 : value;
}

/** A gray picture takes the mean of what is said of three channels. */
function channelOf(values: readonly number[], channel: number, count: number): number {
  if (values.length === 1) return values[0] as number;
  if (count === values.length) return values[channel] as number;
  return values.reduce((a, b) => a + b, 0) / values.length;
}
