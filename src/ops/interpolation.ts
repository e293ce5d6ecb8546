/** One element of an axis that an interpolated position reads, and its weight. */
export interface Tap {
  readonly at: number;
  readonly weight: number;
}

/** How Resize reads an axis; the names are those of its attributes. */
export interface Interpolation {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicCoefficient: number;
  readonly excludeOutside: boolean;
  /** Start and end of the region read, as shares of the axis: for tf_crop_and_resize. */
  readonly roi: readonly [number, number];
}

/**
 * The elements that each position of a resized axis reads, by the specification of ONNX Resize. A position
 * outside of the axis in tf_crop_and_resize reads none: it has the extrapolation value.
 *
 * Coordinates are rounded to float32 like in ONNX Runtime; otherwise ties between two elements could be
 * resolved differently.
 */
export function tapsOf(
  input: number,
  output: number,
  scale: number,
  how: Interpolation,
): readonly (readonly Tap[])[] {
  return Array.from({ length: output }, (_, place) => {
    // The scale decides, not the sizes: the size may be the same because of rounding.
    if (scale === 1) return [{ at: place, weight: 1 }];
    const x = originOf(place, input, output, f32(scale), how);
    const outside = x < 0 || x > input - 1;
    if (outside && how.coordinates === 'tf_crop_and_resize') return [];
    if (how.mode === 'nearest') return [{ at: nearestTo(x, input, scale, how), weight: 1 }];
    return how.mode === 'linear' ? linear(x, input) : cubic(x, input, how);
  });
}

const f32 = Math.fround;

/** The coordinate on the original axis of a position on the resized one. */
function originOf(
  place: number,
  input: number,
  output: number,
  scale: number,
  { coordinates, roi: [start, end] }: Interpolation,
): number {
  switch (coordinates) {
    case 'asymmetric':
      return f32(place / scale);
    case 'align_corners':
      return output === 1 ? 0 : f32(f32(place * (input - 1)) / (output - 1));
    case 'pytorch_half_pixel':
      return output > 1 ? halfPixel(place, scale) : 0;
    case 'half_pixel_symmetric': {
      const adjustment = f32(output / f32(scale * input));
      return f32(f32((input / 2) * f32(1 - adjustment)) + halfPixel(place, scale));
    }
    case 'tf_crop_and_resize':
      return output > 1
        ? f32(start * (input - 1) + f32(f32(place * (end - start) * (input - 1)) / (output - 1)))
        : f32(0.5 * (start + end) * (input - 1));
    default:
      return halfPixel(place, scale);
  }
}

function halfPixel(place: number, scale: number): number {
  return f32(f32((place + 0.5) / scale) - 0.5);
}

function nearestTo(x: number, input: number, scale: number, { nearest }: Interpolation): number {
  const rounded = () => {
    switch (nearest) {
      case 'floor':
        return Math.floor(x);
      case 'ceil':
        return Math.ceil(x);
      case 'round_prefer_ceil':
        return Math.floor(x + 0.5);
      // The mode before opset 11; normalization sets it.
      case 'simple':
        return scale < 1 ? Math.ceil(x) : Math.floor(x);
      default:
        return Math.ceil(x - 0.5);
    }
  };
  return inside(rounded(), input);
}

function linear(x: number, input: number): Tap[] {
  const clamped = Math.min(Math.max(x, 0), input - 1);
  const low = Math.floor(clamped);
  const share = clamped - low;
  return share === 0
    ? [{ at: low, weight: 1 }]
    : [
        { at: low, weight: 1 - share },
        { at: low + 1, weight: share },
      ];
}

/** Keys' cubic convolution; positions beyond the ends repeat the last element, or are excluded. */
function cubic(x: number, input: number, how: Interpolation): Tap[] {
  const low = Math.floor(x);
  const share = x - low;
  const a = how.cubicCoefficient;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const taps = [far(1 + share), near(share), near(1 - share), far(2 - share)].map(
    (weight, index) => ({ at: low - 1 + index, weight }),
  );
  if (!how.excludeOutside) {
    return taps.map(({ at, weight }) => ({ at: inside(at, input), weight }));
  }
  const counted = taps.filter(({ at }) => at >= 0 && at < input);
  const total = counted.reduce((sum, { weight }) => sum + weight, 0);
  return counted.map(({ at, weight }) => ({ at, weight: weight / total }));
}

function inside(at: number, input: number): number {
  return Math.min(Math.max(at, 0), input - 1);
}
