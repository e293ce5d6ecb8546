import type { Dataset } from '../../data/index.ts';
import { judge, type Network } from '../../network/index.ts';
import { predictionsWithoutEach, type Site } from '../../channels/index.ts';
import type { Rate, Target } from '../../metrics/index.ts';
import type { Runtime } from '../../runtime/index.ts';

/** What a network does with one unit of a site silenced, and all others as they are. */
export interface AblatedUnit {
  readonly unit: number;
  readonly acc: Rate;
  readonly asr: Rate;
}

/**
 * Silences every unit of a site by itself: a unit carries the backdoor where attack success falls with
 * it, and clean behavior where accuracy does.
 *
 * @param triggered - samples with the trigger, labeled with what they truly are
 */
export async function ablateUnits(
  runtime: Runtime,
  classifier: Network,
  site: Site,
  { clean, triggered, target }: { clean: Dataset; triggered: Dataset; target: Target },
  signal?: AbortSignal,
): Promise<AblatedUnit[]> {
  const along = (dataset: Dataset) =>
    predictionsWithoutEach(runtime, classifier, site, dataset, signal ? { signal } : {});
  const fooled = along(triggered);
  const found: AblatedUnit[] = [];
  for await (const answers of along(clean)) {
    const next = await fooled.next();
    if (next.done === true) break;
    const test = { clean, triggered: { dataset: triggered, target } };
    const { acc, asr } = judge(classifier, { clean: answers, triggered: next.value }, test);
    if (asr) found.push({ unit: found.length, acc, asr });
  }
  await fooled.return();
  return found;
}
