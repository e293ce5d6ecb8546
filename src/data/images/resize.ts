import type { Picture } from './picture.ts';

/** How pictures are resized. */
export type Filter = keyof typeof FILTERS;

interface Kernel {
  /** Half its width at scale 1; 0 takes the one nearest pixel. */
  readonly reach: number;
  readonly weight: (x: number) => number;
  /** Widen it when a picture shrinks, so that every pixel counts. */
  readonly antialias: boolean;
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys' cubic with a = -1/2, as Pillow has it. */
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
 * The filters: `bilinear` and `bicubic` as Pillow and torchvision have them, `area` is the mean over
 * the pixels covered, `linear` is `bilinear` without antialiasing (OpenCV, TensorFlow).
 */
export const filters = Object.keys(FILTERS) as readonly Filter[];

/**
 * Resizes a picture, first across, then down, rounded to bytes each time, as Pillow does. Pixels have
 * their centers at halves. The result is the same on every machine.
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

/** Resamples one axis: `lines` lines of `from` places, each of `inner` values side by side. */
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
    for (let place = 0; place < to; place += 1) {
      const start = (line * from + (first[place] as number)) * inner;
      for (let i = 0; i < inner; i += 1, at += 1) {
        let sum = ONE / 2;
        for (let tap = 0, source = start + i; tap < reach; tap += 1, source += inner) {
          const weight = weights[place * reach + tap] as number;
          if (weight !== 0) sum += weight * (values[source] as number);
        }
        made[at] = Math.min(255, Math.max(0, Math.floor(sum / ONE)));
      }
    }
  }
  return made;
}

/** Weights are whole numbers of this part, as Pillow's are: sums are exact, and the same everywhere. */
const ONE = 2 ** 22;

interface Taps {
  /** For each new place, the first old one that it takes from. */
  readonly first: Int32Array;
  /** `reach` weights for each place, zeros at the end. */
  readonly weights: Float64Array;
  readonly reach: number;
}

/** The last ones made: pictures of one size often follow each other. */
const known = new Map<string, Taps>();

function tapsOf(from: number, to: number, filter: Filter): Taps {
  const key = `${from}/${to}/${filter}`;
  const made = known.get(key) ?? newTaps(from, to, FILTERS[filter]);
  if (known.size > 64) known.clear();
  known.set(key, made);
  return made;
}

function newTaps(from: number, to: number, { reach, weight, antialias }: Kernel): Taps {
  const scale = from / to;
  const wide = antialias ? Math.max(1, scale) : 1;
  const places = Array.from({ length: to }, (_, place) => {
    const middle = (place + 0.5) * scale;
    if (reach === 0) return { first: Math.min(from - 1, Math.floor(middle)), weights: [ONE] };
    const first = Math.max(0, Math.floor(middle - reach * wide + 0.5));
    const end = Math.min(from, Math.floor(middle + reach * wide + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) =>
      weight((first + i - middle + 0.5) / wide),
    );
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((value) => Math.round((value / total) * ONE)) };
  });
  const most = Math.max(...places.map(({ weights }) => weights.length));
  const weights = new Float64Array(to * most);
  for (const [place, one] of places.entries()) weights.set(one.weights, place * most);
  return { first: Int32Array.from(places, ({ first }) => first), weights, reach: most };
}
