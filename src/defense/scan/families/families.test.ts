import { describe, expect, test } from 'vitest';
import { random } from '../../../data/index.ts';
import { FAMILIES } from './index.ts';
import type { Variables } from './family.ts';
import { sampleLayout } from './sample-layout.ts';

const SLOTS = 2;
const BATCH = 4;

describe.each(FAMILIES)('$name', (family) => {
  describe.each([
    ['pictures', [3, 4, 5]],
    ['pictures with channels last', [4, 5, 3]],
    ['a table', [7]],
    ['sound', [1, 16]],
  ])('of %s', (_, dims) => {
    const draw = random(1, 'families');
    const elements = dims.reduce((a, b) => a * b, 1);
    const numbers = () => Float32Array.from({ length: BATCH * elements }, () => 2 * draw.normal());
    const x = numbers();
    const layout = sampleLayout(dims, x);
    const slots = Int32Array.from([0, 1, 1, 0]);
    const loss = numbers();
    const weights = [0.3, 0.7];
    // Far from the start, so that no gradient is near zero.
    const variables: Variables = family
      .start(layout, SLOTS, draw)
      .map((values) => values.map(() => 0.1 * draw.normal()));

    /** A loss that is linear in the perturbed samples, plus the weighted sizes. */
    function lossOf(at: Variables): number {
      const perturbed = Float32Array.from(x);
      family.apply(layout, at, perturbed, slots);
      const data = perturbed.reduce((sum, value, i) => sum + value * (loss[i] as number), 0);
      const size = weights.reduce((sum, w, slot) => sum + w * family.size(layout, at, slot), 0);
      return data + size;
    }

    test('gradients are those of finite differences', () => {
      const gradients = family.gradients(layout, variables, x, slots, loss);
      for (const [slot, weight] of weights.entries()) {
        family.addSizeGradient(layout, variables, slot, weight, gradients);
      }
      const step = 1e-3;
      for (const [index, values] of variables.entries()) {
        for (let at = 0; at < values.length; at += 3) {
          const moved = (by: number) =>
            variables.map((v, i) =>
              i === index ? v.map((value, j) => (j === at ? value + by : value)) : v,
            );
          const slope = (lossOf(moved(step)) - lossOf(moved(-step))) / (2 * step);
          expect(gradients[index]?.[at]).toBeCloseTo(slope, 1);
        }
      }
    });

    test('perturbed samples stay within the range of the data', () => {
      const perturbed = Float32Array.from(x);
      const wide = variables.map((values) => values.map((value) => 50 * value));
      family.apply(layout, wide, perturbed, slots);
      for (const [at, value] of perturbed.entries()) {
        expect(value).toBeGreaterThanOrEqual((layout.low[at % elements] as number) - 1e-5);
        expect(value).toBeLessThanOrEqual((layout.high[at % elements] as number) + 1e-5);
      }
    });

    test('the inverted trigger does what the slot does', () => {
      const perturbed = x.slice(0, elements);
      family.apply(layout, variables, perturbed, Int32Array.of(1));
      const trigger = family.inverted(layout, variables, 1);
      for (const [at, value] of perturbed.entries()) {
        const from = x[at] as number;
        const mask = trigger.family === 'patch' ? trigger.mask[layout.placeOf[at] as number] : 0;
        const byHand =
          trigger.family === 'patch'
            ? from * (1 - (mask as number)) + (mask as number) * (trigger.pattern[at] as number)
            : Math.min(
                Math.max(from + (trigger.addition[at] as number), layout.low[at] as number),
                layout.high[at] as number,
              );
        expect(value).toBeCloseTo(byHand, 4);
      }
    });
  });
});

describe('the layout of a sample', () => {
  test('channels first: elements of a pixel share a place', () => {
    const { places, placeDims, placeOf } = sampleLayout([2, 1, 3], new Float32Array(6));
    expect([places, placeDims, [...placeOf]]).toEqual([3, [1, 3], [0, 1, 2, 0, 1, 2]]);
  });

  test('channels last', () => {
    const { places, placeDims, placeOf } = sampleLayout([5, 5, 2], new Float32Array(50));
    expect([places, placeDims]).toEqual([25, [5, 5]]);
    expect([...placeOf.subarray(0, 6)]).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('each channel has its range, and each feature of a table', () => {
    const picture = sampleLayout([2, 1, 2], Float32Array.of(0, 1, -5, -7));
    expect([[...picture.low], [...picture.high]]).toEqual([
      [0, 0, -7, -7],
      [1, 1, -5, -5],
    ]);
    const table = sampleLayout([2], Float32Array.of(0, 10, 1, 30));
    expect([[...table.low], [...table.high]]).toEqual([
      [0, 10],
      [1, 30],
    ]);
  });
});
