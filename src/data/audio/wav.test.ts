import { describe, expect, test } from 'vitest';
import * as wavefile from 'wavefile';
import { random } from '../random.ts';
import { decodeWav, encodeWav } from './wav.ts';

const { WaveFile } = wavefile;
const draw = random(1, 'wav');
const left = Array.from({ length: 50 }, () => 1.9 * draw.uniform() - 0.95);
const right = Array.from({ length: 50 }, () => 1.9 * draw.uniform() - 0.95);

function written(depth: string, channels: readonly (readonly number[])[]): Uint8Array {
  const file = new WaveFile();
  const scale = depth.endsWith('f') || depth === '64' ? 1 : 2 ** (Number(depth) - 1);
  const offset = depth === '8' ? 128 : 0;
  const values = channels.map((channel) =>
    channel.map((value) => (scale === 1 ? value : Math.trunc(value * scale) + offset)),
  );
  file.fromScratch(channels.length, 8000, depth, channels.length === 1 ? values[0]! : values);
  return file.toBuffer();
}

describe('WAV', () => {
  test.each([
    ['8', 2 ** -7],
    ['16', 2 ** -15],
    ['24', 2 ** -23],
    ['32', 2 ** -23],
    ['32f', 2 ** -24],
    ['64', 2 ** -24],
  ])('of %s bits is read as another library wrote it', (depth, precision) => {
    const { rate, samples } = decodeWav(written(depth, [left]), 'a.wav');
    expect(rate).toBe(8000);
    expect(samples).toHaveLength(50);
    for (const [at, value] of samples.entries()) {
      expect(Math.abs(value - (left[at] as number))).toBeLessThanOrEqual(precision);
    }
  });

  test('of two channels is averaged', () => {
    const { samples } = decodeWav(written('32f', [left, right]), 'a.wav');
    expect(samples).toHaveLength(50);
    for (const [at, value] of samples.entries()) {
      expect(value).toBeCloseTo(((left[at] as number) + (right[at] as number)) / 2, 6);
    }
  });

  test('is written so that another library and we read every sample to the bit', () => {
    const samples = Float32Array.from(left);
    const bytes = encodeWav({ rate: 16_000, samples });
    expect(decodeWav(bytes, 'a.wav')).toEqual({ rate: 16_000, samples });
    const other = new WaveFile(bytes);
    expect(other.fmt).toMatchObject({ sampleRate: 16_000, numChannels: 1, bitsPerSample: 32 });
    expect(Float32Array.from(other.getSamples())).toEqual(samples);
  });

  const good = written('16', [left]);
  test.each([
    ['nothing', new Uint8Array(), 'data/magic'],
    ['a picture', Uint8Array.from({ length: 100 }, (_, i) => i), 'data/magic'],
    ['half of it', good.slice(0, good.length / 2), 'data/truncated'],
    ['its header', good.slice(0, 30), 'data/truncated'],
    ['a compressed sound', good.with(20, 2), 'data/magic'],
    ['no channels', good.with(22, 0), 'data/magic'],
  ])('that is %s is refused by name', (_, bytes, code) => {
    expect(() => decodeWav(bytes, 'odd.wav')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('odd.wav') as unknown }),
    );
  });
});
