import type { Wave } from './wav.ts';

/** A waveform of a set length: resampled where a rate is given, then cut or filled up with silence. */
export function fitSound({ rate, samples }: Wave, length: number, to = rate): Float32Array {
  const made = new Float32Array(length);
  made.set(resampled(samples, rate, to).subarray(0, length));
  return made;
}

/** Zero crossings of the kernel on each side. */
const LOBES = 16;

/**
 * A waveform at another rate, by a windowed sinc (Hann) that cuts off what the lower of the two rates
 * cannot carry.
 */
function resampled(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const cutoff = Math.min(1, to / from);
  const reach = LOBES / cutoff;
  return Float32Array.from({ length: Math.round((samples.length * to) / from) }, (_, place) => {
    const middle = (place * from) / to;
    let [sum, total] = [0, 0];
    for (let i = Math.ceil(middle - reach); i <= middle + reach; i += 1) {
      const weight = sinc(cutoff * (i - middle)) * (1 + Math.cos((Math.PI * (i - middle)) / reach));
      total += weight;
      sum += weight * (samples[i] ?? 0);
    }
    return sum / total;
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
