import type { Dataset } from '../../data/index.ts';
import type { TriggeredData } from '../../network/index.ts';
import { readTrigger } from '../triggers/file.ts';
import { classification } from './classification.ts';
import { detection } from './detection.ts';
import { checkTarget } from './poison.ts';

/**
 * Clean data with the trigger of a trigger file on them: on every picture or sound, or on every object
 * that is attacked.
 *
 * @throws TriggerError where the file cannot be read or the trigger does not fit the data; PoisonError
 *   where the target is none of their classes
 */
export async function triggeredByFile(file: string, clean: Dataset): Promise<TriggeredData> {
  const { trigger, target } = await readTrigger(file);
  // A label that no class has is never predicted: every attack would seem to fail.
  checkTarget(clean, target);
  const kind = clean.objects ? detection : classification;
  return { dataset: kind.triggered(clean, trigger, target), target };
}
