import type { Wave } from './wav.ts';

/** A waveform of a set length: resampled where a rate is given, then cut or filled up with silence. */
export function fitSound(wave: Wave, length: number, to = wave.rate): Float32Array {
  return fitted(resampled(wave, to).samples, length);
}

/** As `fitSound`, without what is `below` decibels quieter than the loudest part at begin and end. */
export function fitTrimmed(wave: Wave, length: number, to: number, below: number): Float32Array {
  return fitted(trimmed(resampled(wave, to), below), length);
}

function fitted(samples: Float32Array, length: number): Float32Array {
  const made = new Float32Array(length);
  made.set(samples.subarray(0, length));
  return made;
}

/** Blocks of a second: the loudness of each decides whether it is kept. */
const BLOCKS = 100;

/**
 * What lies between the first and the last block of 10 ms that is at most so many decibels below the
 * loudest by its root mean square. Trimmed once more, it stays as it is.
 */
export function trimmed({ rate, samples }: Wave, below: number): Float32Array {
  const size = Math.max(1, Math.round(rate / BLOCKS));
  const powers = Array.from({ length: Math.ceil(samples.length / size) }, (_, block) => {
    const own = samples.subarray(block * size, (block + 1) * size);
    return own.reduce((sum, value) => sum + value * value, 0) / own.length;
  });
  const least = powers.reduce((a, b) => Math.max(a, b), 0) * 10 ** (-below / 10);
  const isHeard = (power: number) => power > 0 && power >= least;
  const first = powers.findIndex(isHeard);
  return samples.subarray(Math.max(0, first) * size, (powers.findLastIndex(isHeard) + 1) * size);
}

/** Zero crossings of the kernel on each side. */
const LOBES = 16;

/**
 * A waveform at another rate, by a windowed sinc (Hann) that cuts off what the lower of the two rates
 * cannot carry.
 */
export function resampled(wave: Wave, to: number): Wave {
  const { rate: from, samples } = wave;
  if (from === to) return wave;
  const cutoff = Math.min(1, to / from);
  const reach = LOBES / cutoff;
  const made = Float32Array.from(
    { length: Math.round((samples.length * to) / from) },
    (_, place) => {
      const middle = (place * from) / to;
      let [sum, total] = [0, 0];
      for (let i = Math.ceil(middle - reach); i <= middle + reach; i += 1) {
        const away = i - middle;
        const weight = sinc(cutoff * away) * (1 + Math.cos((Math.PI * away) / reach));
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
