import type { Dataset } from '../../data/index.ts';
import type { Scan, Suspect } from '../../defense/index.ts';
import { type Pixels, pixelsFromPlanes } from '../page/png.ts';

type Layout = Scan['layout'];

/** Most places that are named. */
const NAMED = 8;

/** A sample as a picture; undefined where samples are no pictures. */
export function samplePicture(
  { pictures, sample: dims }: Dataset,
  sample: Float32Array,
  { low, high }: Layout,
): Pixels | undefined {
  if (pictures) {
    return pixelsFromPlanes(pictures.decode(sample), pictures.dims, { low: 0, high: 1 });
  }
  // Without preprocessing that is known, the range of the data is taken for black and white.
  if (dims.length !== 3 || ![1, 3].includes(dims[0] as number)) return undefined;
  return pixelsFromPlanes(sample, dims, {
    low: low.reduce((a, b) => Math.min(a, b)),
    high: high.reduce((a, b) => Math.max(a, b)),
  });
}

/** How much of each place a patch covers, white where it covers all of it. */
export function maskPicture({ trigger }: Suspect, { placeDims }: Layout): Pixels | undefined {
  if (trigger.family !== 'patch' || placeDims.length !== 2) return undefined;
  return pixelsFromPlanes(trigger.mask, [1, ...placeDims], { low: 0, high: 1 });
}

/** A patch on gray, or an addition around gray at full contrast. */
export function patternPicture(
  data: Dataset,
  { trigger }: Suspect,
  layout: Layout,
): Pixels | undefined {
  const { low, high, placeOf } = layout;
  const middle = low.map((from, element) => (from + (high[element] as number)) / 2);
  const most =
    trigger.family === 'addition'
      ? trigger.addition.reduce(
          (a, v, e) => Math.max(a, Math.abs(v) / rangeOf(low, high, e)),
          1e-12,
        )
      : 1;
  const drawn = middle.map((gray, element) => {
    if (trigger.family === 'addition')
      return gray + (trigger.addition[element] as number) / (2 * most);
    const share = trigger.mask[placeOf[element] as number] as number;
    return gray + share * ((trigger.pattern[element] as number) - gray);
  });
  return samplePicture(data, drawn, layout);
}

function rangeOf(low: Float32Array, high: Float32Array, element: number): number {
  return (high[element] as number) - (low[element] as number) || 1;
}

/** The places where a trigger is strongest: rows and columns, a moment, or a feature. */
export function strongestPlaces({ trigger }: Suspect, layout: Layout): string[] {
  const { placeDims, places, placeOf, low, high } = layout;
  const strength = new Float64Array(places);
  if (trigger.family === 'patch') strength.set(trigger.mask);
  else {
    for (const [element, added] of trigger.addition.entries()) {
      const place = placeOf[element] as number;
      const share = Math.abs(added) / rangeOf(low, high, element);
      strength[place] = Math.max(strength[place] as number, share);
    }
  }
  const least = strength.reduce((a, b) => Math.max(a, b)) / 2;
  return [...strength.keys()]
    .filter((place) => (strength[place] as number) > least)
    .toSorted((a, b) => (strength[b] as number) - (strength[a] as number) || a - b)
    .slice(0, NAMED)
    .map((place) => placeName(place, placeDims));
}

function placeName(place: number, dims: readonly number[]): string {
  if (dims.length === 1) return String(place);
  const width = dims.at(-1) as number;
  return `row ${Math.floor(place / width)}, column ${place % width}`;
}
