import type { Dataset } from '../data/index.ts';
import type { TestData } from '../defense/index.ts';

/** Test data, with the trigger of a trigger file stamped on a copy where there is one. */
export async function testDataFrom(clean: Dataset, triggerFile?: string): Promise<TestData> {
  if (triggerFile === undefined) return { clean };
  // Only who has a trigger loads the lab.
  const { checkTarget, readTrigger, triggered } = await import('../lab/index.ts');
  const { trigger, target } = await readTrigger(triggerFile);
  // A label that no class has is never predicted: every attack would seem to fail.
  checkTarget(clean, target);
  return { clean, triggered: { dataset: triggered(clean, trigger), target } };
}
