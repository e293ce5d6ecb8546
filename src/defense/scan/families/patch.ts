import { rowOf, type TriggerFamily, type Variables } from './family.ts';
import type { SampleLayout } from './sample-layout.ts';

const RATE = 0.3;
/** The mask starts at about 0.08 in every place. */
const START = { mean: -2.5, deviation: 0.5 };

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/**
 * A mask and a pattern: `x (1 - a) + a p` with `a = σ(m)` for each place and `p = low + (high - low) σ(q)`
 * for each element, as in Neural Cleanse (Wang et al., S&P 2019, section IV). The size is the sum of a.
 */
export const patch: TriggerFamily = {
  name: 'patch',
  unit: 'places that are covered',
  sizeWeight: 1,
  rates: [RATE, RATE],

  start({ places, elements }, slots, draw) {
    const m = () => START.mean + START.deviation * draw.normal();
    return [
      Float64Array.from({ length: slots * places }, m),
      Float64Array.from({ length: slots * elements }, () => draw.normal()),
    ];
  },

  apply(layout, variables, x, slots) {
    const { elements, placeOf } = layout;
    const patches = patchesOf(layout, variables, slots);
    for (const [sample, slot] of slots.entries()) {
      const { a, p } = patches.get(slot) as Patch;
      for (let element = 0; element < elements; element += 1) {
        const at = sample * elements + element;
        const share = a[placeOf[element] as number] as number;
        x[at] = (x[at] as number) * (1 - share) + share * (p[element] as number);
      }
    }
  },

  // dL/dm = Σ g (p - x) a (1 - a) over the elements of a place, dL/dq = Σ g a (high - low) σ(q) (1 - σ(q))
  gradients(layout, variables, x, slots, gradient) {
    const { elements, places, placeOf, low, high } = layout;
    const byM = new Float64Array((variables[0] as Float64Array).length);
    const byQ = new Float64Array((variables[1] as Float64Array).length);
    const patches = patchesOf(layout, variables, slots);
    for (const [sample, slot] of slots.entries()) {
      const { a, p } = patches.get(slot) as Patch;
      const [m, q] = [rowOf(byM, slot, places), rowOf(byQ, slot, elements)];
      for (let element = 0; element < elements; element += 1) {
        const at = sample * elements + element;
        const place = placeOf[element] as number;
        const g = gradient[at] as number;
        m[place] = (m[place] as number) + g * ((p[element] as number) - (x[at] as number));
        q[element] = (q[element] as number) + g * (a[place] as number);
      }
    }
    for (const [slot, { a, p }] of patches) {
      const [m, q] = [rowOf(byM, slot, places), rowOf(byQ, slot, elements)];
      for (const [place, share] of a.entries())
        m[place] = (m[place] as number) * share * (1 - share);
      for (const [element, color] of p.entries()) {
        const [from, to] = [low[element] as number, high[element] as number];
        // (high - low) σ (1 - σ), written by p.
        const slope = to > from ? ((color - from) * (to - color)) / (to - from) : 0;
        q[element] = (q[element] as number) * slope;
      }
    }
    return [byM, byQ];
  },

  size: ({ places }, [m], slot) =>
    rowOf(m as Float64Array, slot, places).reduce((sum, value) => sum + sigmoid(value), 0),

  // d(Σ a)/dm = a (1 - a)
  addSizeGradient({ places }, [m], slot, weight, [byM]) {
    const [values, into] = [
      rowOf(m as Float64Array, slot, places),
      rowOf(byM as Float64Array, slot, places),
    ];
    for (const [place, value] of values.entries()) {
      const a = sigmoid(value);
      into[place] = (into[place] as number) + weight * a * (1 - a);
    }
  },

  inverted(layout, variables, slot) {
    const { a, p } = patchOf(layout, variables, slot);
    return { family: 'patch', mask: Float32Array.from(a), pattern: Float32Array.from(p) };
  },
};

/** A slot's mask, dims [places], and pattern, dims [elements]. */
interface Patch {
  readonly a: Float64Array;
  readonly p: Float64Array;
}

function patchOf(
  { places, elements, low, high }: SampleLayout,
  [m, q]: Variables,
  slot: number,
): Patch {
  const p = rowOf(q as Float64Array, slot, elements).map((value, element) => {
    const from = low[element] as number;
    return from + ((high[element] as number) - from) * sigmoid(value);
  });
  return { a: rowOf(m as Float64Array, slot, places).map(sigmoid), p };
}

/** The patches of the slots that occur. */
function patchesOf(layout: SampleLayout, variables: Variables, slots: Int32Array) {
  return new Map([...new Set(slots)].map((slot) => [slot, patchOf(layout, variables, slot)]));
}
