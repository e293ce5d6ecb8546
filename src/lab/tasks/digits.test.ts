import { test } from 'vitest';
import { defended, expectRepaired, small } from '../../../test/helpers/digits.ts';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { baselineAttack } from '../attacks/baseline.ts';

// Other seeds, and the pruning-aware attack, are slow tests.
test('fine-pruning removes a baseline backdoor from digits', { timeout: 300_000 }, async () => {
  const data = await small.load(0);
  const { model } = await baselineAttack(await testRuntime(), small, data, { seed: 0 });
  expectRepaired(await defended(model, data, 0));
});
