import type { Dataset } from '../../data/index.ts';
import { judge, type Network } from '../../network/index.ts';
import { predictionsWithoutEach, type Site } from '../../channels/index.ts';
import type { Rate, Target } from '../../metrics/index.ts';
import type { Runtime } from '../../runtime/index.ts';

/** A network with one unit of a site ablated (set to zero), and all others as they are. */
export interface AblatedUnit {
  readonly unit: number;
  readonly acc: Rate;
  readonly asr: Rate;
}

/**
 * Ablates every unit of a site in turn. A unit carries the backdoor where attack success falls without it,
 * and clean behavior where accuracy falls.
 *
 * @param triggered - samples with the trigger and their true labels
 */
export async function ablateUnits(
  runtime: Runtime,
  network: Network,
  site: Site,
  { clean, triggered, target }: { clean: Dataset; triggered: Dataset; target: Target },
  signal?: AbortSignal,
): Promise<AblatedUnit[]> {
  const withoutEach = (dataset: Dataset) =>
    predictionsWithoutEach(runtime, network, site, dataset, { signal });
  const test = { clean, triggered: { dataset: triggered, target } };
  const attacked = withoutEach(triggered);
  const units: AblatedUnit[] = [];
  for await (const answers of withoutEach(clean)) {
    const next = await attacked.next();
    if (next.done === true) break;
    const { acc, asr } = judge(network, { clean: answers, triggered: next.value }, test);
    if (asr) units.push({ unit: units.length, acc, asr });
  }
  await attacked.return();
  return units;
}
