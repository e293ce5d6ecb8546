import {
  defaultSites,
  mergeMasks,
  siteNamed,
  type Site,
  sitesOf,
} from '../../../channels/index.ts';
import { mergeEdits, type Network } from '../../../network/index.ts';
import type { Defense } from '../../defense.ts';
import { pruneSites } from './prune-sites.ts';
import { type PruningSettings, pruningSettings } from './settings.ts';
import { prunedSiteOf, type PruningStep } from './step.ts';

/**
 * The pruning defense of the paper: units of a site in ascending order of their mean activation on clean
 * validation data, as long as accuracy stays within the allowed drop.
 */
export const pruning: Defense<PruningSettings> = {
  name: 'pruning',
  description: 'prune the units that clean data leave least active',
  source: 'Liu, Dolan-Gavitt, Garg: Fine-Pruning, RAID 2018, section 3.1',
  settings: pruningSettings,
  async run(context, from, settings) {
    const { runtime, clean, test, maxDrop, cache, checkpoints, signal } = context;
    const { network } = from;
    const started = performance.now();
    const { mask: fold, site, ...how } = settings;
    const pruned = await pruneSites(runtime, network, chosenSites(network, site), clean.all, test, {
      ...how,
      fold,
      maxDrop,
      cache,
      checkpoints,
      signal,
      onProfile: (done, all) => context.progress('measure activations', done, all),
      onProgress: (done, all) => context.progress('prune', done, all),
    });
    const units = pruned.prunings.reduce((sum, { site }) => sum + site.units, 0);
    const count = pruned.prunings.reduce((sum, { pruned }) => sum + pruned.length, 0);
    const where = pruned.prunings.length > 1 ? ` at ${pruned.prunings.length} sites` : '';
    const step: PruningStep = {
      kind: 'pruning',
      by: 'pruning',
      summary: `${count} of ${units} units${where} were pruned`,
      seconds: (performance.now() - started) / 1000,
      pruned: pruned.prunings.map(({ site, pruned }) => ({
        site: site.name,
        axis: site.axis,
        of: site.units,
        units: [...pruned],
      })),
      data: { sites: pruned.prunings.map((pruning) => prunedSiteOf(pruning, maxDrop)) },
    };
    return {
      network: { ...network, graph: pruned.graph },
      masks: mergeMasks(from.masks, pruned.masks),
      edits: mergeEdits(from.edits, pruned.edits),
      steps: [...from.steps, step],
    };
  },
};

/** The sites of these names, or the default ones. */
export function chosenSites(
  { traced, scores }: Network,
  named: string | readonly string[] = [],
): readonly Site[] {
  const sites = sitesOf(traced, scores);
  const names = typeof named === 'string' ? [named] : named;
  return names.length > 0
    ? names.map((name) => siteNamed(sites, name))
    : defaultSites(traced, sites, scores).sites;
}
