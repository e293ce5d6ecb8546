import { expect, test } from 'vitest';
import { golden } from '../../test/helpers/train.ts';
import { constant, cosine, oneCycle, type Schedule, stepwise } from './schedules.ts';

/** The rates of 20 steps. */
const run = (schedule: Schedule) => Array.from({ length: 20 }, (_, step) => schedule(step / 20));

test.each([
  ['MultiStepLR', stepwise(0.5, [0.5, 0.75]), golden.rates.stepwise],
  ['CosineAnnealingLR', cosine(0.5, 0.01), golden.rates.cosine],
  // PyTorch's pct_start of 0.3 counts 21 steps and takes one off: 0.3 * 21 - 1 = 5.3 of 20.
  ['OneCycleLR', oneCycle(0.5, 5.3 / 20), golden.rates.oneCycle],
])('follows PyTorch’s %s', (_, schedule, expected) => {
  run(schedule).forEach((rate, step) => expect(rate).toBeCloseTo(expected[step] as number, 9));
});

test('a constant schedule does not change', () => {
  expect(new Set(run(constant(0.1)))).toEqual(new Set([0.1]));
});
