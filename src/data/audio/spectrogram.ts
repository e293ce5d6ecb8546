/** The frames of a spectrogram; each starts `hop` samples after the previous one. */
export interface Frames {
  /** Samples per frame, a power of two; there are window/2 + 1 frequencies. */
  readonly window: number;
  readonly hop: number;
}

/** How many whole frames fit into a number of samples. */
export function framesIn(samples: number, { window, hop }: Frames): number {
  return Math.max(0, Math.floor((samples - window) / hop) + 1);
}

/**
 * Prepares the computation of power spectrograms: the squared magnitude of the discrete Fourier transform of
 * every frame, under a periodic Hann window.
 *
 * @returns a function that calls back with each frame in turn, [window/2 + 1], in an array that it reuses
 */
export function spectrogram(
  frames: Frames,
): (samples: Float32Array, each: (power: Float64Array, frame: number) => void) => void {
  const { window, hop } = frames;
  const hann = Float64Array.from(
    { length: window },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window),
  );
  const transform = fourier(window);
  const [real, imaginary] = [new Float64Array(window), new Float64Array(window)];
  const power = new Float64Array(window / 2 + 1);
  return (samples, each) => {
    const count = framesIn(samples.length, frames);
    for (let frame = 0; frame < count; frame += 1) {
      for (let i = 0; i < window; i += 1) {
        real[i] = (hann[i] as number) * (samples[frame * hop + i] as number);
      }
      imaginary.fill(0);
      transform(real, imaginary);
      for (let i = 0; i < power.length; i += 1) {
        power[i] = (real[i] as number) ** 2 + (imaginary[i] as number) ** 2;
      }
      each(power, frame);
    }
  };
}

/** The discrete Fourier transform in place, by decimation in time (Cooley, Tukey 1965). */
function fourier(size: number): (real: Float64Array, imaginary: Float64Array) => void {
  const bits = Math.log2(size);
  const reversed = Uint32Array.from({ length: size }, (_, i) => {
    let [from, to] = [i, 0];
    for (let bit = 0; bit < bits; bit += 1, from >>= 1) to = (to << 1) | (from & 1);
    return to;
  });
  const angles = Float64Array.from({ length: size / 2 }, (_, i) => (-2 * Math.PI * i) / size);
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  return (real, imaginary) => {
    for (let i = 0; i < size; i += 1) {
      const j = reversed[i] as number;
      if (j <= i) continue;
      [real[i], real[j]] = [real[j] as number, real[i] as number];
      [imaginary[i], imaginary[j]] = [imaginary[j] as number, imaginary[i] as number];
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0, low = start, high = start + half; k < half; k += 1, low += 1, high += 1) {
          const [c, s] = [cosines[k * step] as number, sines[k * step] as number];
          const [x, y] = [real[high] as number, imaginary[high] as number];
          const [turnedX, turnedY] = [x * c - y * s, x * s + y * c];
          real[high] = (real[low] as number) - turnedX;
          imaginary[high] = (imaginary[low] as number) - turnedY;
          real[low] = (real[low] as number) + turnedX;
          imaginary[low] = (imaginary[low] as number) + turnedY;
        }
      }
    }
  };
}

/** A frequency filter: its weights, starting at the frequency `first`. */
export interface Band {
  readonly first: number;
  readonly weights: Float64Array;
}

const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels: number) => 700 * (10 ** (mels / 2595) - 1);

/**
 * A mel filter bank: triangles of height 1, evenly spaced on the mel scale (O'Shaughnessy 1987, as in HTK),
 * from 0 to half the rate. A triangle that contains no frequency gets the nearest one.
 */
export function melBands(count: number, rate: number, window: number): Band[] {
  const spacing = rate / window;
  const corners = Array.from(
    { length: count + 2 },
    (_, i) => hertz((mel(rate / 2) * i) / (count + 1)) / spacing,
  );
  return Array.from({ length: count }, (_, band) => {
    const [low, middle, high] = corners.slice(band, band + 3) as [number, number, number];
    const first = Math.floor(low) + 1;
    const weights = Float64Array.from({ length: Math.max(0, Math.ceil(high) - first) }, (_, i) =>
      Math.min((first + i - low) / (middle - low), (high - first - i) / (high - middle)),
    );
    if (weights.length > 0) return { first, weights };
    return { first: Math.round(middle), weights: Float64Array.of(1) };
  });
}
