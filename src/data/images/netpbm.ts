import type { Picture } from './picture.ts';

const CHANNELS: Readonly<Record<string, number>> = { P2: 1, P3: 3, P5: 1, P6: 3 };
const MOST_PIXELS = 2 ** 28;

/** Whether bytes begin like a PGM or PPM file. */
export function isNetpbm(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 2)) in CHANNELS;
}

/**
 * Decodes a PGM or PPM image, as text (P2, P3) or bytes (P5, P6), with 8 or 16 bits per value.
 *
 * Source: the netpbm manual, pages pgm and ppm.
 *
 * @throws Error that says what is wrong, without the file's name
 */
export function decodeNetpbm(bytes: Uint8Array): Picture {
  const magic = String.fromCharCode(...bytes.subarray(0, 2));
  const channels = CHANNELS[magic];
  if (channels === undefined) throw new Error('not a PGM or PPM file');
  let at = 2;
  const number = (what: string): number => {
    for (; at < bytes.length; at += 1) {
      if (bytes[at] === HASH) while (at < bytes.length && bytes[at] !== NEWLINE) at += 1;
      else if (!isSpace(bytes[at])) break;
    }
    let value = 0;
    const start = at;
    for (; isDigit(bytes[at]); at += 1) value = value * 10 + (bytes[at] as number) - ZERO;
    if (at === start) throw new Error(`its ${what} is missing`);
    return value;
  };
  const [width, height, most] = [number('width'), number('height'), number('largest value')];
  if (most < 1 || most > 65535) throw new Error(`its largest value is ${most}`);
  if (width * height < 1 || width * height > MOST_PIXELS) {
    throw new Error(`its size is ${width} x ${height}`);
  }
  const size = width * height * channels;
  const raw = magic === 'P5' || magic === 'P6';
  at += raw ? 1 : 0;
  const each = most > 255 ? 2 : 1;
  if (raw && bytes.length - at < size * each) {
    throw new Error(`it ends after ${bytes.length - at} of ${size * each} bytes of pixels`);
  }
  const pixels = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) {
    const value = raw ? valueAt(bytes, at + i * each, each) : number('next pixel');
    pixels[i] = Math.round((255 * Math.min(value, most)) / most);
  }
  return { width, height, channels, pixels };
}

const [HASH, NEWLINE, ZERO] = [0x23, 0x0a, 0x30];
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
const isDigit = (byte: number | undefined) =>
  byte !== undefined && byte >= ZERO && byte < ZERO + 10;

function valueAt(bytes: Uint8Array, at: number, each: number): number {
  const first = bytes[at] as number;
  return each === 1 ? first : first * 256 + (bytes[at + 1] as number);
}
