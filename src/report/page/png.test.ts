import { inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePng, pixelsFromPlanes, pngDataUri } from './png.ts';

/** Independent of the encoder: walks the chunks, with a CRC computed bit by bit. */
function decode(png: Buffer) {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length;) {
    const size = png.readUInt32BE(at);
    const end = at + 8 + size;
    expect(png.readUInt32BE(end)).toBe(crc(png.subarray(at + 4, end)));
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, end));
    at = end + 4;
  }
  const header = chunks.get('IHDR')!;
  const channels = { 0: 1, 2: 3, 6: 4 }[header[9]!]!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const raw = inflateSync(chunks.get('IDAT')!);
  const rows = Array.from({ length: height }, (_, y) => {
    const row = raw.subarray(y * (width * channels + 1), (y + 1) * (width * channels + 1));
    expect(row[0]).toBe(0);
    return [...row.subarray(1)];
  });
  return { width, height, channels, pixels: rows.flat() };
}

function crc(bytes: Uint8Array): number {
  let c = 0xffff_ffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb8_8320 : c >>> 1;
  }
  return ~c >>> 0;
}

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom<1 | 3 | 4>(1, 3, 4),
  })
  .chain((shape) => {
    const length = shape.width * shape.height * shape.channels;
    return fc
      .array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length })
      .map((pixels) => ({ ...shape, pixels }));
  });

test('every picture comes back from its PNG', () => {
  fc.assert(
    fc.property(picture, (image) => {
      expect(decode(encodePng(image))).toEqual(image);
    }),
  );
});

test('a picture of the wrong size is refused', () => {
  expect(() => encodePng({ width: 2, height: 2, channels: 1, pixels: [1, 2, 3] })).toThrow(
    /has 4 values, not 3/,
  );
});

test('planes become interleaved pixels, clipped to the range', () => {
  const image = pixelsFromPlanes([-1, 1, 0, 0.5, 9, 0], [3, 1, 2], { low: -1, high: 1 });
  expect(image).toEqual({ width: 2, height: 1, channels: 3, pixels: [0, 128, 255, 255, 191, 128] });
  expect(() => pixelsFromPlanes([1, 2], [2, 1, 1])).toThrow(/\[2, 1, 1\]/);
});

test('a data URI stays as it is', () => {
  expect(pngDataUri('data:image/png;base64,AAAA')).toBe('data:image/png;base64,AAAA');
});
