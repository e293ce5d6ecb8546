import { expect } from 'vitest';
import { testRuntime } from './gradcheck.ts';
import { mnist } from '../../src/lab/data/mnist.ts';
import { split } from '../../src/data/index.ts';
import { prunedSites } from './repair.ts';
import { repair } from '../../src/defense/index.ts';
import type { Evaluation } from '../../src/metrics/index.ts';
import type { Model } from '../../src/onnx/index.ts';
import { triggered } from '../../src/lab/attacks/poison.ts';
import { digits } from '../../src/lab/tasks/digits.ts';
import type { Task, TaskData } from '../../src/lab/tasks/task.ts';

/**
 * A quarter of the training data, to train a network in ten seconds; validation and test data have full
 * size.
 */
export const small: Task = {
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

/** Rates before a defense, where pruning stops, and after it. */
export async function defended(model: Model, data: TaskData, seed: number) {
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
export function expectRepaired({ before, after }: Awaited<ReturnType<typeof defended>>) {
  expect(before.asr).toBeGreaterThan(0.98);
  expect(after.asr).toBeLessThanOrEqual(0.02);
  expect(after.acc).toBeGreaterThanOrEqual(before.acc - 0.004);
}
