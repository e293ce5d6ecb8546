import { crc32, deflateSync } from 'node:zlib';
import { ReportError } from '../error.ts';

/** An image as numbers. */
export interface Pixels {
  width: number;
  height: number;
  /** 1 is gray, 3 RGB, 4 RGBA. */
  channels: 1 | 3 | 4;
  /** Row-major, channels interleaved, 0 to 255. */
  pixels: number[];
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOR_TYPE = { 1: 0, 3: 2, 4: 6 };

/**
 * Encodes an image as a PNG of 8 bits per channel.
 *
 * Source: W3C PNG Specification (Third Edition), sections 5 and 11.
 *
 * @throws ReportError `report/image` if the number of values does not fit the dims
 */
export function encodePng({ width, height, channels, pixels }: Pixels): Buffer {
  const stride = width * channels;
  if (stride === 0 || pixels.length !== stride * height) {
    throw new ReportError(
      'report/image',
      `An image of ${width} x ${height} with ${channels} channels has ${stride * height} values, ` +
        `not ${pixels.length}.`,
    );
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOR_TYPE[channels], 0, 0, 0], 8);
  // Each row starts with its filter type: 0, none.
  const rows = Buffer.alloc(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    rows.set(pixels.slice(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** An image as a PNG data URI. A data URI is returned unchanged. */
export function pngDataUri(picture: Pixels | string): string {
  if (typeof picture === 'string') return picture;
  return `data:image/png;base64,${encodePng(picture).toString('base64')}`;
}

/**
 * Converts an image from the layout of networks, one plane per channel, to pixels.
 *
 * @param values - `channels * height * width` values; values outside the range are clipped
 * @param dims - [channels, height, width] with 1, 3 or 4 channels
 * @param range - the values that become 0 and 255
 * @throws ReportError `report/image` if the dims do not fit
 */
export function pixelsFromPlanes(
  values: ArrayLike<number>,
  dims: readonly number[],
  range: { low: number; high: number } = { low: 0, high: 1 },
): Pixels {
  const [channels, height, width] = dims;
  if (
    dims.length !== 3 ||
    height === undefined ||
    width === undefined ||
    (channels !== 1 && channels !== 3 && channels !== 4) ||
    values.length !== channels * height * width
  ) {
    throw new ReportError(
      'report/image',
      `Cannot draw ${values.length} values of dims [${dims.join(', ')}]: expected [1, 3 or 4 ` +
        'channels, height, width].',
    );
  }
  const scale = 255 / (range.high - range.low);
  const area = height * width;
  const pixels = Array.from({ length: values.length }, (_, i) => {
    const value = values[(i % channels) * area + Math.floor(i / channels)]!;
    return Math.min(255, Math.max(0, Math.round((value - range.low) * scale)));
  });
  return { width, height, channels, pixels };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
