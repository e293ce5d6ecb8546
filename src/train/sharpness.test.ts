import { expect, test } from 'vitest';
import { perturbation, type Sharpness } from './sharpness.ts';

function perturbed(
  settings: Sharpness,
  weights: readonly number[],
  gradients: readonly number[],
  zeros: readonly number[] = [],
) {
  // Two parameters, of which the first has one number: they have one length together.
  const parts = [
    [0, 1],
    [1, weights.length],
  ] as const;
  const parameters = parts.map(([from, to]) => ({
    values: Float32Array.from(weights.slice(from, to)),
    gradient: Float32Array.from(gradients.slice(from, to)),
    zeros: zeros.filter((at) => at >= from && at < to).map((at) => at - from),
  }));
  const values = () => parameters.flatMap((each) => [...each.values]);
  return { ...perturbation(settings, parameters), values };
}

const plain = { rho: 0.5, adaptive: false };
const adaptive = { rho: 0.5, adaptive: true };

test('weights move along the gradient, by the length of rho', () => {
  const { apply, values } = perturbed(plain, [1, -2], [3, 4]);
  apply();
  expect(values()[0]).toBeCloseTo(1 + 0.5 * (3 / 5), 6);
  expect(values()[1]).toBeCloseTo(-2 + 0.5 * (4 / 5), 6);
});

test('adaptive: w² g over the length of w g, so that weights move in their own units', () => {
  const { apply, values } = perturbed(adaptive, [1, -2], [4, 1.5]);
  apply();
  // w g = [4, -3] has the length 5; w² g = [4, 6].
  expect(values()[0]).toBeCloseTo(1 + 0.5 * (4 / 5), 6);
  expect(values()[1]).toBeCloseTo(-2 + 0.5 * (6 / 5), 6);
});

test('the scale of a layer changes nothing of the adaptive perturbation', () => {
  const one = perturbed(adaptive, [1, -2, 3], [4, 1.5, -1]);
  // The second parameter is 8 times as large, and its gradients so much smaller.
  const other = perturbed(adaptive, [1, -16, 24], [4, 1.5 / 8, -1 / 8]);
  one.apply();
  other.apply();
  const [a, b, c] = one.values() as [number, number, number];
  expect(other.values()).toEqual([a, 8 * b, 8 * c]);
});

test.each([plain, adaptive])('what is held at zero is left alone: %j', (settings) => {
  const free = perturbed(settings, [1, -2], [4, 1.5]);
  const held = perturbed(settings, [1, -2, 0], [4, 1.5, 100], [2]);
  free.apply();
  held.apply();
  expect(held.values()).toEqual([...free.values(), 0]);
});

test.each([plain, adaptive])('weights come back to the bit: %j', (settings) => {
  const weights = [0.1, -1e20, 1e-30, 7].map(Math.fround);
  const { apply, revert, values } = perturbed(settings, weights, [0.3, 1e-7, 5, -0.7]);
  apply();
  expect(values()).not.toEqual(weights);
  revert();
  expect(values()).toEqual(weights);
});

test.each([plain, adaptive])('no gradient moves nothing: %j', (settings) => {
  const { apply, values } = perturbed(settings, [1, -1e20, 0], [0, 0, 0]);
  apply();
  expect(values()).toEqual([1, Math.fround(-1e20), 0]);
});
