import { take } from '../../data/index.ts';
import { siteNamed, sitesOf } from '../../channels/index.ts';
import type { PrunedSite, PruningStep, Repair } from '../../defense/index.ts';
import { judge, predictTest, type TestData } from '../../network/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { ablateUnits } from './ablation.ts';
import { withAttack, type NetworkRecord, type TrainedNetwork } from './results.ts';

/** Test data with triggered samples. */
export type AttackTest = TestData & { readonly triggered: NonNullable<TestData['triggered']> };

/**
 * Looks at the units of the site that was pruned: activations, ablation, and the pruning curve.
 *
 * @param samples - how many test samples to ablate units on
 */
export async function networkRecord(
  runtime: Runtime,
  trained: TrainedNetwork,
  repaired: Repair,
  test: AttackTest,
  options: {
    readonly seed: number;
    readonly samples: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<NetworkRecord> {
  const { attack, decoys = [], retrainings, reached } = trained;
  const { seed, samples, signal } = options;
  const { given: network } = repaired;
  const pruned = firstPrunedSite(repaired);
  const { order, curve, profile } = pruned;
  const site = siteNamed(sitesOf(network.traced, network.scores), pruned.site.name);
  const { clean: cleanMeans, triggered: triggeredMeans } = profile;
  if (!triggeredMeans) throw new Error('a network without test data');
  const { target } = test.triggered;
  const [clean, triggered] = [test.clean, test.triggered.dataset].map((all) =>
    take(all, Math.min(samples, all.length), seed),
  ) as [TestData['clean'], TestData['clean']];
  const ablated = await ablateUnits(runtime, network, site, { clean, triggered, target }, signal);
  const part = { clean, triggered: { dataset: triggered, target } };
  const predictions = await predictTest(runtime, network, network.graph, part);
  const { acc, asr } = withAttack(judge(network, predictions, part));
  return {
    attack,
    seed,
    site: site.name,
    units: ablated.map(({ unit, acc, asr }) => ({
      unit,
      clean: cleanMeans[unit] as number,
      triggered: triggeredMeans[unit] as number,
      decoy: decoys.includes(unit),
      ablated: { acc, asr },
    })),
    intact: { acc, asr },
    order,
    curve: curve.map(({ pruned, validation, acc, asr }) => {
      if (!acc || !asr) throw new Error('a curve without test data');
      return { pruned, validation, acc, asr };
    }),
    stop: pruned.stop.pruned,
    retrainings,
    reached,
  };
}

/** The first site that was pruned, by any of the defenses. */
function firstPrunedSite({ outcomes }: Repair): PrunedSite {
  for (const { kind, data } of outcomes.flatMap(({ steps }) => steps)) {
    if (kind === 'pruning') return (data as PruningStep['data']).sites[0] as PrunedSite;
  }
  throw new Error('an experiment without a defense that prunes');
}
