import * as z from 'zod';
import { cleanScoreSchema, count, rateSchema, share } from '../../../metrics/index.ts';
import type { Step } from '../../steps.ts';
import type { SitePruning } from './prune-sites.ts';

const curvePoint = z.object({
  pruned: count.describe('How many units are pruned at this point'),
  unit: count.nullable().describe('The unit pruned last; null where none is'),
  validation: cleanScoreSchema.describe('On clean validation data: the only score that chooses'),
  acc: cleanScoreSchema.optional().describe('Clean accuracy on test data'),
  asr: rateSchema.optional(),
  ra: rateSchema.optional(),
  missed: rateSchema.optional(),
});

export const prunedSite = z
  .object({
    site: z.object({
      name: z.string().describe('The activation tensor whose units are pruned'),
      units: z.int().positive(),
      axis: z.int(),
      dims: z.array(z.int()),
    }),
    mask: z.enum(['producer', 'consumers', 'mul']).describe('Where the mask went'),
    rank: z.string().describe('The statistic that units are ranked by'),
    profile: z
      .object({ clean: z.array(z.number()), triggered: z.array(z.number()).optional() })
      .describe('Mean activation of each unit, by unit index'),
    order: z.array(count).describe('Unit indices in pruning order'),
    curve: z.array(curvePoint).describe('In ascending order of pruned units'),
    inactive: z
      .object({
        dead: z.array(count).describe('The same at every place of every clean input'),
        dormant: z.array(count).describe('Next to no activation on clean inputs'),
        possibleDecoys: z
          .array(count)
          .describe('Cannot activate: their bias is below anything that their weights reach'),
      })
      .optional()
      .describe('Units that clean inputs do not use'),
    stop: z.object({
      pruned: count,
      maxDrop: share.describe('Allowed absolute drop of validation accuracy'),
      reason: z.string(),
    }),
  })
  .check(({ value, issues }) => {
    for (const { path, message } of problemsOf(value)) {
      issues.push({ code: 'custom', input: value, path, message });
    }
  });

/** The data of a step of kind 'pruning'. */
export const pruningData = z.object({
  sites: z.array(prunedSite).min(1).describe('In the order in which they were pruned'),
});

export type PrunedSite = z.output<typeof prunedSite>;
export type PruningStep = Step<'pruning', z.output<typeof pruningData>>;

interface Checked {
  readonly site: { readonly units: number };
  readonly profile: {
    readonly clean: readonly number[];
    readonly triggered?: readonly number[] | undefined;
  };
  readonly order: readonly number[];
  readonly curve: readonly { readonly pruned: number }[];
  readonly stop: { readonly pruned: number };
}

function problemsOf({ site: { units }, profile, order, curve, stop }: Checked) {
  const problems: { path: PropertyKey[]; message: string }[] = [];
  const refuse = (path: PropertyKey[], message: string) => problems.push({ path, message });
  for (const [kind, means] of Object.entries(profile)) {
    if (means !== undefined && means.length !== units) {
      refuse(['profile', kind], `${means.length} means for ${units} units`);
    }
  }
  if (new Set(order).size !== order.length) refuse(['order'], 'a unit is pruned twice');
  if (order.some((unit) => unit >= units)) {
    refuse(['order'], `a unit is out of range: the site has ${units} units`);
  }
  if (stop.pruned > order.length) {
    refuse(['stop', 'pruned'], 'more units pruned than the pruning order names');
  }
  curve.forEach((point, i) => {
    if (point.pruned > units) refuse(['curve', i, 'pruned'], `the site has ${units} units`);
    const previous = curve[i - 1];
    if (previous !== undefined && point.pruned <= previous.pruned) {
      refuse(['curve', i, 'pruned'], 'the curve must be in ascending order of pruned units');
    }
  });
  return problems;
}

/** What pruning one site came to, as the record has it. */
export function prunedSiteOf(pruning: SitePruning, maxDrop: number): PrunedSite {
  const { site, profile, triggeredProfile, order, curve, testCurve, inactive } = pruning;
  return {
    site: { name: site.name, units: site.units, axis: site.axis, dims: [...site.dims] },
    mask: pruning.fold.into,
    rank: pruning.rank,
    profile: {
      clean: [...profile],
      ...(triggeredProfile && { triggered: [...triggeredProfile] }),
    },
    order: [...order],
    curve: curve.map((point) => ({
      ...point,
      ...testCurve.find(({ pruned }) => pruned === point.pruned)?.evaluation,
    })),
    inactive: {
      dead: [...inactive.dead],
      dormant: [...inactive.dormant],
      possibleDecoys: [...inactive.possibleDecoys],
    },
    stop: { pruned: pruning.pruned.length, maxDrop, reason: reasonOf(pruning, maxDrop) },
  };
}

function reasonOf({ stop }: SitePruning, maxDrop: number): string {
  if (stop === 'share') return 'the share of units that was asked for';
  return stop === 'drop'
    ? `with one more, validation accuracy would have fallen by more than ${(100 * maxDrop).toFixed(1)}%`
    : 'all units but one could be pruned within the allowed drop';
}
