/** The record of `reproduce`: `reproduce.json` is this record, and the page is drawn from nothing else. */
import * as z from 'zod';
import { rate as rateOf, type Rate } from '../../metrics/interval.ts';
import type { CleanScore } from '../../metrics/evaluation.ts';
import { cleanScoreSchema as cleanScore, rateSchema as rate } from '../../metrics/index.ts';
import { ReportError, scenes } from '../run/record.ts';

export const ATTACKS = ['none', 'baseline', 'pruning-aware'] as const;

const attack = z.enum(ATTACKS);
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);

const run = z.object({
  task: z.string(),
  source: z.enum(['real', 'synthetic']),
  attack,
  defense: z.string().describe('"none" without one'),
  seed: z.int(),
  acc: cleanScore.describe('Clean accuracy on test data'),
  asr: rate.describe('Attack success rate'),
  ra: rate.describe('Robust accuracy'),
  missed: rate.optional().describe('Of a detector: triggered objects that it does not find'),
  seconds: z.number().nonnegative(),
});

const both = z.object({ acc: cleanScore, asr: rate });

const network = z.object({
  attack,
  seed: z.int(),
  site: z.string().describe('The activation whose units are pruned'),
  units: z.array(
    z.object({
      unit: count,
      clean: z.number().describe('Mean activation on clean validation data'),
      triggered: z.number().describe('Mean activation on triggered test data'),
      decoy: z.boolean().describe('Put back by the pruning-aware attack, to be pruned'),
      silenced: both.describe('On some test data, with this unit alone silenced'),
    }),
  ),
  whole: both.describe('The same with nothing silenced'),
  order: z.array(count).describe('Unit indices in pruning order'),
  curve: z.array(z.object({ pruned: count, validation: cleanScore, acc: cleanScore, asr: rate })),
  stop: count.describe('How many units the pruning defense took'),
  tries: z
    .array(both.extend({ pruned: count }))
    .optional()
    .describe('Retrainings of the pruning-aware attack, on data that the attacker held out'),
  met: z.boolean().optional().describe('Whether the last of them reached what was asked'),
  scenes: scenes.optional().describe('Test scenes with what a detector finds in them'),
});

export const reproduceRecord = z.object({
  tool: z.object({
    name: z.string(),
    version: z.string(),
    backend: z.enum(['native', 'wasm']),
    runtimeVersion: z.string(),
  }),
  command: z.string(),
  quick: z.boolean().describe('On a twentieth of the data: the numbers say nothing'),
  paper: z
    .partialRecord(attack, z.record(z.string(), z.object({ acc: share, asr: share })))
    .optional()
    .describe('What the paper that the task is after has, to compare with'),
  runs: z.array(run),
  networks: z.array(network),
});

export type ReproduceRecord = z.infer<typeof reproduceRecord>;
export type ReproducedNetwork = ReproduceRecord['networks'][number];

/**
 * The record that `reproduce.json` holds.
 *
 * @throws ReportError `report/not-json` or `report/invalid-record`
 */
export function reproduceFromJson(text: string): ReproduceRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportError('report/not-json', `This is not JSON (${(error as Error).message})`);
  }
  const parsed = reproduceRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ReportError(
    'report/invalid-record',
    `This is not the record of a reproduction:\n${z.prettifyError(parsed.error)}`,
  );
}

/** The rates of one attack and defense, all seeds counted together; undefined where none was run. */
export function pooled(
  { runs }: Pick<ReproduceRecord, 'runs'>,
  attack: (typeof ATTACKS)[number],
  defense: string,
): { acc: CleanScore; asr: Rate; ra: Rate; missed?: Rate | undefined } | undefined {
  const own = runs.filter((run) => run.attack === attack && run.defense === defense);
  if (own.length === 0) return undefined;
  const sum = (key: 'acc' | 'asr' | 'ra' | 'missed') =>
    rateOf(
      own.reduce((hits, run) => hits + (run[key]?.hits ?? 0), 0),
      own.reduce((of, run) => of + (run[key]?.of ?? 0), 0),
    );
  const scenes = own.some(({ missed }) => missed);
  return {
    acc: { ...sum('acc'), ...precisions(own.map(({ acc }) => acc)) },
    asr: sum('asr'),
    ra: sum('ra'),
    ...(scenes && { missed: sum('missed') }),
  };
}

/** Average precisions of several runs: their means, since they are no shares of a count. */
function precisions(scores: readonly CleanScore[]): Pick<CleanScore, 'map' | 'ap'> {
  const map = mean(scores.map((score) => score.map));
  if (map === null) return {};
  return {
    map,
    ap: (scores[0]?.ap ?? []).map((_, label) => mean(scores.map(({ ap }) => ap?.[label]))),
  };
}

function mean(values: readonly (number | null | undefined)[]): number | null {
  const there = values.filter((value) => typeof value === 'number');
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

/** Attacks that were run, in the order of the table. */
export function attacksOf({ runs }: Pick<ReproduceRecord, 'runs'>): (typeof ATTACKS)[number][] {
  return ATTACKS.filter((name) => runs.some(({ attack }) => attack === name));
}

/** Seeds that were run, in their order. */
export function seedsOf({ runs }: Pick<ReproduceRecord, 'runs'>): number[] {
  return [...new Set(runs.map(({ seed }) => seed))];
}

/** Attack success that has hardly fallen yet, as a share of what it was. */
const HARDLY = 0.95;

/**
 * The phases of a pruning curve (Fine-Pruning, section 3.1), in units pruned: up to `dormant` neither
 * rate changes, up to `backdoor` attack success falls and validation accuracy does not, and from there
 * on accuracy does, where the defender stops.
 */
export function phasesOf({ curve, stop }: Pick<ReproducedNetwork, 'curve' | 'stop'>): {
  dormant: number;
  backdoor: number;
} {
  const first = curve[0]?.asr.rate ?? 0;
  const fallen = curve.find(({ asr }) => asr.rate < HARDLY * first)?.pruned ?? Infinity;
  return { dormant: Math.min(stop, fallen - 1), backdoor: stop };
}

/** The defenses of a record, in the order in which they were run. */
export function defensesOf({ runs }: Pick<ReproduceRecord, 'runs'>): string[] {
  return [...new Set(runs.map(({ defense }) => defense))];
}
