import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { mnist } from '../data/mnist.ts';
import { split } from '../../data/index.ts';
import { prunedSites } from '../../../test/helpers/repair.ts';
import { repair } from '../../defense/index.ts';
import type { Evaluation } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import { baselineAttack } from '../attacks/baseline.ts';
import { triggered } from '../attacks/poison.ts';
import { pruningAwareAttack } from '../attacks/pruning-aware.ts';
import { digits } from './digits.ts';
import type { Task, TaskData } from './task.ts';

const MINUTES = { timeout: 300_000 };

/**
 * A quarter of the training data, so that a network is trained in ten seconds; the defender's and the
 * test data are the task's own size.
 */
const small: Task = {
  ...digits,
  async load(seed) {
    const { train, test } = await mnist();
    const parts = split(train, { train: 15_000, validation: 10_000, unused: 35_000 }, seed);
    return { ...parts, test, source: 'real' };
  },
  training: { ...digits.training, epochs: 4 },
  pruningAware: { ...digits.pruningAware, asked: { acc: 0.97, asr: 0.98 } },
};

const rates = (evaluation: Evaluation | undefined) => ({
  acc: evaluation?.acc.rate ?? NaN,
  asr: evaluation?.asr?.rate ?? NaN,
});

async function defended(model: Model, data: TaskData, seed: number) {
  const runtime = await testRuntime();
  const test = {
    clean: data.test,
    triggered: { dataset: triggered(data.test, small.trigger), target: small.target },
  };
  const settings = { ...small.defense, seed, test };
  const defense = await repair(runtime, model, data.validation, settings);
  const [pruning] = prunedSites(defense);
  const stop = pruning?.curve.find(({ pruned }) => pruned === pruning.stop.pruned);
  return {
    before: rates(defense.outcomes[0]?.evaluation),
    pruned: { acc: stop?.acc?.rate ?? NaN, asr: stop?.asr?.rate ?? NaN },
    after: rates(defense.outcomes.at(-1)?.evaluation),
  };
}

/** The paper's headline: attack success down to (almost) nothing at 0.4 points of clean accuracy. */
function expectRepaired({ before, after }: Awaited<ReturnType<typeof defended>>) {
  expect(before.asr).toBeGreaterThan(0.98);
  expect(after.asr).toBeLessThanOrEqual(0.02);
  expect(after.acc).toBeGreaterThanOrEqual(before.acc - 0.004);
}

describe.each([0, 1, 2])('digits, seed %i', (seed) => {
  test('fine-pruning removes a baseline backdoor', MINUTES, async () => {
    const runtime = await testRuntime();
    const data = await small.load(seed);
    const { model } = await baselineAttack(runtime, small, data, { seed });
    expectRepaired(await defended(model, data, seed));
  });

  test('a pruning-aware one outlives pruning, and not fine-pruning', MINUTES, async () => {
    const runtime = await testRuntime();
    const data = await small.load(seed);
    const attack = await pruningAwareAttack(runtime, small, data, { seed });
    expect(attack.difference).toBeLessThanOrEqual(1e-6);
    const seen = await defended(attack.model, data, seed);
    expect(seen.pruned.asr).toBeGreaterThanOrEqual(0.9 * seen.before.asr);
    expectRepaired(seen);
  });
});
