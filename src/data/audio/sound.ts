import type { Wave } from './wav.ts';

/** A waveform of a given length: resampled if a rate is given, then cut or padded with silence. */
export function fitSound(wave: Wave, length: number, to = wave.rate): Float32Array {
  return fitted(resampled(wave, to).samples, length);
}

/** Like `fitSound`, without start and end while they are `below` decibels under the loudest part. */
export function fitTrimmed(wave: Wave, length: number, to: number, below: number): Float32Array {
  return fitted(trimmed(resampled(wave, to), below), length);
}

function fitted(samples: Float32Array, length: number): Float32Array {
  const made = new Float32Array(length);
  made.set(samples.subarray(0, length));
  return made;
}

/** Blocks per second; the loudness of a block decides whether it is kept. */
const BLOCKS = 100;

/**
 * Trims silence: keeps all from the first to the last block of 10 ms whose root mean square is at most
 * `below` decibels under the loudest. It is idempotent.
 */
export function trimmed({ rate, samples }: Wave, below: number): Float32Array {
  const size = Math.max(1, Math.round(rate / BLOCKS));
  const powers = Array.from({ length: Math.ceil(samples.length / size) }, (_, block) => {
    const own = samples.subarray(block * size, (block + 1) * size);
    return own.reduce((sum, value) => sum + value * value, 0) / own.length;
  });
  const least = powers.reduce((a, b) => Math.max(a, b), 0) * 10 ** (-below / 10);
  const isLoud = (power: number) => power > 0 && power >= least;
  const first = powers.findIndex(isLoud);
  return samples.subarray(Math.max(0, first) * size, (powers.findLastIndex(isLoud) + 1) * size);
}

/** Zero crossings of the kernel on each side. */
const LOBES = 16;

/**
 * Resamples a waveform with a Hann-windowed sinc, which removes all above the Nyquist frequency of the lower
 * of the two rates.
 */
export function resampled(wave: Wave, to: number): Wave {
  const { rate: from, samples } = wave;
  if (from === to) return wave;
  const cutoff = Math.min(1, to / from);
  const reach = LOBES / cutoff;
  const made = Float32Array.from(
    { length: Math.round((samples.length * to) / from) },
    (_, index) => {
      const center = (index * from) / to;
      let [sum, total] = [0, 0];
      for (let i = Math.ceil(center - reach); i <= center + reach; i += 1) {
        const distance = i - center;
        const weight = sinc(cutoff * distance) * (1 + Math.cos((Math.PI * distance) / reach));
        total += weight;
        sum += weight * (samples[i] ?? 0);
      }
      return sum / total;
    },
  );
  return { rate: to, samples: made };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
