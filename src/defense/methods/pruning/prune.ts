import type { Dataset } from '../../../data/index.ts';
import { scoreDrop, type CleanScore } from '../../../metrics/index.ts';
import type { Bounds } from '../../../ops/index.ts';
import type { Runtime } from '../../../runtime/index.ts';
import type { Network, Ranking } from '../../../network/index.ts';
import type { Checkpoints } from '../../../train/index.ts';
import {
  pointsAlong,
  ascending,
  profileOf,
  type UnitStatistics,
  boundsNeeded,
  type InactiveUnits,
  inactiveUnits,
  unreachable,
  type Site,
  type StoreSettings,
} from '../../../channels/index.ts';

export interface PruneSettings {
  /**
   * The largest drop of validation accuracy, of a detector's mean average precision, that is allowed, as
   * a share: 0.02 is two points.
   */
  readonly maxDrop: number;
  /** Prune at most this share of the units, 0 to 1, whatever that costs, instead of by `maxDrop`. */
  readonly share?: number | undefined;
  /** What units are ranked by; default the mean activation, as in the paper, and of a detector the largest. */
  readonly rank?: Ranking | undefined;
  /** Units pruned between two measurements; default 1. */
  readonly step?: number | undefined;
  /** Go on past the stop to the end, for the report. */
  readonly fullCurve?: boolean | undefined;
  /** What a drop is measured from; by default that of the network given. */
  readonly from?: CleanScore | undefined;
  /** How activations are kept while masks are tried. */
  readonly cache?: StoreSettings | undefined;
  /** Where a killed run left what it had. */
  readonly checkpoints?: Checkpoints | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told while activations are measured, in samples. */
  readonly onProfile?: ((done: number, all: number) => void) | undefined;
  /** Told while units are pruned, in units. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** One mask tried: how many units were pruned, the last of them, and the accuracy then. */
export interface CurvePoint {
  readonly pruned: number;
  readonly unit: number | null;
  readonly validation: CleanScore;
}

/** What pruning a site came to. */
export interface Pruning {
  readonly site: Site;
  /** Mean activation of each unit on clean validation data. */
  readonly profile: Float64Array;
  readonly statistics: UnitStatistics;
  readonly rank: Ranking;
  readonly inactive: InactiveUnits;
  /** Units in the order of pruning. */
  readonly order: readonly number[];
  readonly curve: readonly CurvePoint[];
  /** The units of the last accepted mask, ascending. */
  readonly pruned: readonly number[];
  readonly stop: 'drop' | 'share' | 'all units';
}

/**
 * The pruning defense (Fine-Pruning, section 3.1): units in ascending order of their mean activation
 * on clean validation data, one after another, as long as validation accuracy is within `maxDrop` of
 * what it was. The mask kept is the last one before the first that broke the bound. At least one unit
 * is left.
 *
 * @param validation - clean data; nothing else decides what is pruned
 */
export async function prune(
  runtime: Runtime,
  classifier: Network,
  site: Site,
  validation: Dataset,
  settings: PruneSettings,
): Promise<Pruning> {
  const { rank = classifier.rank, share, step = 1, signal } = settings;
  const { graph, traced, input } = classifier;
  const along = boundsNeeded(traced, site);
  const found = await profileOf(runtime, graph, input, site, validation, {
    along,
    signal,
    onProgress: settings.onProfile,
  });
  const statistics = found.units;
  const decoys = unreachable(traced, site, ({ value, axis }) => {
    const index = along.findIndex((each) => each.value === value && each.axis === axis);
    return found.bounds[index] as Bounds;
  });
  const order = ascending(statistics[rank], statistics.mean);
  const most = order.length - 1;
  const limit = share === undefined ? most : Math.min(most, Math.floor(share * order.length));
  const curve: CurvePoint[] = [];
  let accepted = 0;
  let broken = false;
  const last = settings.fullCurve === true ? most : limit;
  const units = order.slice(0, last);
  const points = pointsAlong(
    runtime,
    classifier,
    site,
    validation,
    units,
    { ...settings, step, also: limit },
    'curve',
    (answers) => classifier.score(answers, validation),
  );
  for await (const { pruned, value: now } of points) {
    curve.push({ pruned, unit: order[pruned - 1] ?? null, validation: now });
    settings.onProgress?.(pruned, last);
    const from = settings.from ?? (curve[0] as CurvePoint).validation;
    broken ||= share === undefined ? scoreDrop(from, now) > settings.maxDrop : pruned > limit;
    if (!broken) accepted = pruned;
    else if (settings.fullCurve !== true) break;
  }
  return {
    site,
    profile: statistics.mean,
    statistics,
    rank,
    inactive: inactiveUnits(statistics, decoys),
    order,
    curve,
    pruned: order.slice(0, accepted).sort((a, b) => a - b),
    stop: accepted === most ? 'all units' : share === undefined ? 'drop' : 'share',
  };
}
