import { DataError } from '../error.ts';

/** A recording: one channel of samples in -1 to 1. */
export interface Wave {
  /** Sample rate in Hz. */
  readonly rate: number;
  readonly samples: Float32Array;
}

const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];

/**
 * Decodes a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits. Channels are averaged.
 *
 * Source: Microsoft's and IBM's Multimedia Programming Interface and Data Specifications 1.0 (RIFF).
 *
 * @param where the file's path, for messages
 * @throws DataError `data/magic` if it is not such a file, `data/truncated` if it ends too early
 */
export function decodeWav(bytes: Uint8Array, where: string): Wave {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') {
    throw new DataError(
      'data/magic',
      `${where} is not a WAV file: it does not start with RIFF, WAVE`,
    );
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [name, size, start] = [tag(at), view.getUint32(at + 4, true), at + 8];
    if (name === 'fmt ') format = formatAt(view, start, size, where);
    if (name === 'data') {
      if (!format) throw new DataError('data/magic', `${where}: its data comes before its format`);
      // A recorder that streams does not know the size, and writes the largest one.
      const available = bytes.length - start;
      if (size > available && size < 0xffff_ff00) {
        throw new DataError(
          'data/truncated',
          `${where}: its header announces ${size} bytes of sound, but it has ${available}. Is the file complete?`,
        );
      }
      return { rate: format.rate, samples: toMono(view, start, Math.min(size, available), format) };
    }
    at = start + size + (size % 2);
  }
  throw new DataError('data/truncated', `${where} contains no sound`);
}

/** Encodes a WAV file of 32-bit floats, which keeps every sample exactly. */
export function encodeWav({ rate, samples }: Wave): Uint8Array {
  const size = 4 * samples.length;
  const bytes = new Uint8Array(58 + size);
  const view = new DataView(bytes.buffer);
  const tag = (at: number, text: string) => bytes.set(Buffer.from(text, 'latin1'), at);
  tag(0, 'RIFF');
  view.setUint32(4, 50 + size, true);
  tag(8, 'WAVEfmt ');
  view.setUint32(16, 18, true);
  view.setUint16(20, FLOAT, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  tag(38, 'fact');
  view.setUint32(42, 4, true);
  view.setUint32(46, samples.length, true);
  tag(50, 'data');
  view.setUint32(54, size, true);
  samples.forEach((value, at) => view.setFloat32(58 + 4 * at, value, true));
  return bytes;
}

interface Format {
  readonly float: boolean;
  readonly bits: number;
  readonly channels: number;
  readonly rate: number;
}

function formatAt(view: DataView, at: number, size: number, where: string): Format {
  if (size < 16 || at + size > view.byteLength) {
    throw new DataError('data/truncated', `${where}: its format chunk is incomplete`);
  }
  const code = view.getUint16(at, true);
  // An extensible format has its code in the first two bytes of a GUID.
  const kind = code === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : code;
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  const known = kind === PCM ? [8, 16, 24, 32] : kind === FLOAT ? [32, 64] : [];
  if (!known.includes(bits) || channels === 0 || rate === 0) {
    throw new DataError(
      'data/magic',
      `${where}: format ${kind} of ${bits} bits and ${channels} channels at ${rate} Hz cannot be ` +
        'read: convert it to PCM of 8, 16, 24 or 32 bits, or to floats',
    );
  }
  return { float: kind === FLOAT, bits, channels, rate };
}

function toMono(view: DataView, start: number, size: number, format: Format): Float32Array {
  const read = readerOf(view, format);
  const [step, { channels }] = [format.bits / 8, format];
  return Float32Array.from({ length: Math.floor(size / (step * channels)) }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      sum += read(start + (frame * channels + channel) * step);
    }
    return sum / channels;
  });
}

function readerOf(view: DataView, { float, bits }: Format): (at: number) => number {
  if (float && bits === 32) return (at) => view.getFloat32(at, true);
  if (float) return (at) => view.getFloat64(at, true);
  if (bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (bits === 16) return (at) => view.getInt16(at, true) / 2 ** 15;
  if (bits === 24) {
    return (at) => (view.getUint8(at) + 256 * view.getInt16(at + 1, true)) / 2 ** 23;
  }
  return (at) => view.getInt32(at, true) / 2 ** 31;
}
