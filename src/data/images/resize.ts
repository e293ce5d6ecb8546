import type { Picture } from './picture.ts';

/** A filter for resizing images. */
export type Filter = keyof typeof FILTERS;

interface Kernel {
  /** Half its width at scale 1; 0 takes the nearest pixel. */
  readonly reach: number;
  readonly weight: (x: number) => number;
  /** Whether to widen it when an image shrinks, so that every pixel has an effect. */
  readonly antialias: boolean;
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys' cubic with a = -1/2, as in Pillow. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

const FILTERS = {
  nearest: { reach: 0, weight: () => 1, antialias: false },
  bilinear: { reach: 1, weight: triangle, antialias: true },
  bicubic: { reach: 2, weight: cubic, antialias: true },
  area: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0), antialias: true },
  linear: { reach: 1, weight: triangle, antialias: false },
} as const satisfies Record<string, Kernel>;

/**
 * The filters: `bilinear` and `bicubic` as in Pillow and torchvision; `area`, the mean over the covered
 * pixels; `linear`, `bilinear` without antialiasing (OpenCV, TensorFlow).
 */
export const filters = Object.keys(FILTERS) as readonly Filter[];

/**
 * Resizes an image like Pillow: first horizontally, then vertically, rounded to bytes each time. Pixel
 * centers are at halves. The result is the same on every machine.
 */
export function resize(picture: Picture, width: number, height: number, filter: Filter): Picture {
  const { channels } = picture;
  const across = resample(
    picture.pixels,
    { lines: picture.height, from: picture.width, to: width, inner: channels },
    filter,
  );
  const pixels = resample(
    across,
    { lines: 1, from: picture.height, to: height, inner: width * channels },
    filter,
  );
  return { width, height, channels, pixels };
}

/** Resamples one axis of values with dims [lines, from, inner]. */
function resample(
  values: Uint8Array,
  { lines, from, to, inner }: { lines: number; from: number; to: number; inner: number },
  filter: Filter,
): Uint8Array {
  if (from === to) return values;
  const { first, weights, reach } = tapsOf(from, to, filter);
  const made = new Uint8Array(lines * to * inner);
  let at = 0;
  for (let line = 0; line < lines; line += 1) {
    for (let position = 0; position < to; position += 1) {
      const start = (line * from + (first[position] as number)) * inner;
      for (let i = 0; i < inner; i += 1, at += 1) {
        let sum = ONE / 2;
        for (let tap = 0, source = start + i; tap < reach; tap += 1, source += inner) {
          const weight = weights[position * reach + tap] as number;
          if (weight !== 0) sum += weight * (values[source] as number);
        }
        made[at] = Math.min(255, Math.max(0, Math.floor(sum / ONE)));
      }
    }
  }
  return made;
}

/** The fixed-point 1 of weights, as in Pillow: integer sums are exact, and the same everywhere. */
const ONE = 2 ** 22;

interface Taps {
  /** For each new position, the first old one that it reads. */
  readonly first: Int32Array;
  /** `reach` weights for each position, padded with zeros. */
  readonly weights: Float64Array;
  readonly reach: number;
}

/** A cache: consecutive images often have the same size. */
const cache = new Map<string, Taps>();

function tapsOf(from: number, to: number, filter: Filter): Taps {
  const key = `${from}/${to}/${filter}`;
  const made = cache.get(key) ?? newTaps(from, to, FILTERS[filter]);
  if (cache.size > 64) cache.clear();
  cache.set(key, made);
  return made;
}

function newTaps(from: number, to: number, { reach, weight, antialias }: Kernel): Taps {
  const scale = from / to;
  const wide = antialias ? Math.max(1, scale) : 1;
  const taps = Array.from({ length: to }, (_, position) => {
    const center = (position + 0.5) * scale;
    if (reach === 0) return { first: Math.min(from - 1, Math.floor(center)), weights: [ONE] };
    const first = Math.max(0, Math.floor(center - reach * wide + 0.5));
    const end = Math.min(from, Math.floor(center + reach * wide + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) =>
      weight((first + i - center + 0.5) / wide),
    );
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((value) => Math.round((value / total) * ONE)) };
  });
  const most = Math.max(...taps.map(({ weights }) => weights.length));
  const weights = new Float64Array(to * most);
  for (const [position, one] of taps.entries()) weights.set(one.weights, position * most);
  return { first: Int32Array.from(taps, ({ first }) => first), weights, reach: most };
}
