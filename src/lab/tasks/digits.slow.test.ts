import { expect, test } from 'vitest';
import { defended, expectRepaired, small } from '../../../test/helpers/digits.ts';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { baselineAttack } from '../attacks/baseline.ts';
import { pruningAwareAttack } from '../attacks/pruning-aware.ts';

const MINUTES = { timeout: 600_000 };

test.each([0, 1, 2])('fine-pruning removes a baseline backdoor, seed %i', MINUTES, async (seed) => {
  const data = await small.load(seed);
  const { model } = await baselineAttack(await testRuntime(), small, data, { seed });
  expectRepaired(await defended(model, data, seed));
});

test.each([0, 1, 2])(
  'a pruning-aware backdoor outlives pruning, and not fine-pruning, seed %i',
  MINUTES,
  async (seed) => {
    const data = await small.load(seed);
    const attack = await pruningAwareAttack(await testRuntime(), small, data, { seed });
    expect(attack.difference).toBeLessThanOrEqual(1e-6);
    const seen = await defended(attack.model, data, seed);
    expect(seen.pruned.asr).toBeGreaterThanOrEqual(0.9 * seen.before.asr);
    expectRepaired(seen);
  },
);
