import { rowOf, type TriggerFamily } from './family.ts';

const RATE = 0.02;
const START = 1e-3;

/**
 * An addition: `x + u (high - low)`, cut off at the range of the data. The size is the L2 norm of u. It
 * finds blended and invisible triggers, which a patch does not express.
 */
export const addition: TriggerFamily = {
  name: 'addition',
  unit: 'L2 norm, in units of the range of the data',
  sizeWeight: 5,
  rates: [RATE],

  start: ({ elements }, slots, draw) => [
    Float64Array.from({ length: slots * elements }, () => START * draw.normal()),
  ],

  apply({ elements, low, high }, [u], x, slots) {
    for (const [sample, slot] of slots.entries()) {
      const added = rowOf(u as Float64Array, slot, elements);
      for (let element = 0; element < elements; element += 1) {
        const at = sample * elements + element;
        const [from, to] = [low[element] as number, high[element] as number];
        const value = (x[at] as number) + (added[element] as number) * (to - from);
        x[at] = Math.min(Math.max(value, from), to);
      }
    }
  },

  // dL/du = Σ g (high - low) over the samples whose value is not cut off
  gradients({ elements, low, high }, [u], x, slots, gradient) {
    const byU = new Float64Array((u as Float64Array).length);
    for (const [sample, slot] of slots.entries()) {
      const added = rowOf(u as Float64Array, slot, elements);
      const into = rowOf(byU, slot, elements);
      for (let element = 0; element < elements; element += 1) {
        const at = sample * elements + element;
        const [from, to] = [low[element] as number, high[element] as number];
        const value = (x[at] as number) + (added[element] as number) * (to - from);
        if (value < from || value > to) continue;
        into[element] = (into[element] as number) + (gradient[at] as number) * (to - from);
      }
    }
    return [byU];
  },

  size: ({ elements }, [u], slot) => norm(rowOf(u as Float64Array, slot, elements)),

  // d|u|/du = u / |u|
  addSizeGradient({ elements }, [u], slot, weight, [byU]) {
    const added = rowOf(u as Float64Array, slot, elements);
    const into = rowOf(byU as Float64Array, slot, elements);
    const length = norm(added) + 1e-12;
    for (const [element, value] of added.entries()) {
      into[element] = (into[element] as number) + (weight * value) / length;
    }
  },

  inverted: ({ elements, low, high }, [u], slot) => ({
    family: 'addition',
    addition: Float32Array.from(
      rowOf(u as Float64Array, slot, elements),
      (value, element) => value * ((high[element] as number) - (low[element] as number)),
    ),
  }),
};

const norm = (u: Float64Array) => Math.sqrt(u.reduce((sum, value) => sum + value * value, 0));
