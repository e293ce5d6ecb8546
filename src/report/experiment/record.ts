/** The record of `reproduce`: the content of `reproduce.json`, and all that the page is drawn from. */
import * as z from 'zod';
import { rate as rateOf, type Rate } from '../../metrics/interval.ts';
import type { CleanScore } from '../../metrics/evaluation.ts';
import { cleanScoreSchema as cleanScore, rateSchema as rate } from '../../metrics/index.ts';
import { ReportError } from '../error.ts';
import { scenes } from '../run/record.ts';

/** The name of the network without an attack. */
export const NO_ATTACK = 'none';

const attack = z.string().describe('The attack; "none" for the clean network');
const defense = z.string().describe('The defense; "none" without one');
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);

const run = z.object({
  task: z.string(),
  source: z.enum(['real', 'synthetic']),
  attack,
  defense,
  seed: z.int(),
  acc: cleanScore.describe('Clean accuracy on test data'),
  asr: rate.describe('Attack success rate'),
  ra: rate.describe('Robust accuracy'),
  missed: rate.optional().describe('Of a detector: triggered objects that it does not find'),
  seconds: z.number().nonnegative().describe('Of the defense; without one, of the attack'),
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
      ablated: both.describe('On some test data, with this unit alone ablated'),
    }),
  ),
  intact: both.describe('The same with no unit ablated'),
  order: z.array(count).describe('Unit indices in pruning order'),
  curve: z.array(z.object({ pruned: count, validation: cleanScore, acc: cleanScore, asr: rate })),
  stop: count.describe('How many units the pruning defense pruned'),
  retrainings: z
    .array(both.extend({ pruned: count }))
    .optional()
    .describe("Retrainings of the pruning-aware attack, on the attacker's holdout"),
  reached: z.boolean().optional().describe('Whether the last of them reached what was asked'),
  scenes: scenes.optional().describe('Test scenes with the detections of the network'),
});

export const experimentRecord = z.object({
  tool: z.object({
    name: z.string(),
    version: z.string(),
    backend: z.enum(['native', 'wasm']),
    runtimeVersion: z.string(),
  }),
  command: z.string(),
  quick: z.boolean().describe('On a twentieth of the data: the results mean nothing'),
  paper: z
    .record(z.string(), z.record(z.string(), z.object({ acc: share, asr: share })))
    .optional()
    .describe('The results of the paper, by attack and defense'),
  runs: z.array(run),
  networks: z.array(network),
});

export type ExperimentRecord = z.infer<typeof experimentRecord>;
export type NetworkRecord = ExperimentRecord['networks'][number];

/** What one job adds to a record. */
export type ExperimentPart = Pick<ExperimentRecord, 'runs' | 'networks'>;

/**
 * Adds a part to a record. Runs and networks are sorted by seed and attack.
 *
 * @param attacks - the order of attacks
 */
export function withPart(
  record: ExperimentRecord,
  part: ExperimentPart,
  attacks: readonly string[],
): ExperimentRecord {
  type Key = Pick<NetworkRecord, 'seed' | 'attack'>;
  const inOrder = (a: Key, b: Key) =>
    a.seed - b.seed || attacks.indexOf(a.attack) - attacks.indexOf(b.attack);
  return {
    ...record,
    runs: [...record.runs, ...part.runs].toSorted(inOrder),
    networks: [...record.networks, ...part.networks].toSorted(inOrder),
  };
}

/**
 * Reads the record of a `reproduce.json`.
 *
 * @throws ReportError `report/not-json` or `report/invalid-record`
 */
export function experimentFromJson(text: string): ExperimentRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportError('report/not-json', `This is not JSON (${(error as Error).message})`);
  }
  const parsed = experimentRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ReportError(
    'report/invalid-record',
    `This is not the record of an experiment:\n${z.prettifyError(parsed.error)}`,
  );
}

/** The rates of one attack and defense, all seeds together; undefined where there is no run. */
export function pooled(
  { runs }: Pick<ExperimentRecord, 'runs'>,
  attack: string,
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

/** Average precisions of several runs: their means, since they are not shares of a count. */
function precisions(scores: readonly CleanScore[]): Pick<CleanScore, 'map' | 'ap'> {
  const map = mean(scores.map((score) => score.map));
  if (map === null) return {};
  return {
    map,
    ap: (scores[0]?.ap ?? []).map((_, label) => mean(scores.map(({ ap }) => ap?.[label]))),
  };
}

function mean(values: readonly (number | null | undefined)[]): number | null {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length === 0) return null;
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** The attacks of a record, in the order of its runs. */
export function attacksOf({ runs }: Pick<ExperimentRecord, 'runs'>): string[] {
  return [...new Set(runs.map(({ attack }) => attack))];
}

/** The defenses of a record, in the order of its runs. */
export function defensesOf({ runs }: Pick<ExperimentRecord, 'runs'>): string[] {
  return [...new Set(runs.map(({ defense }) => defense))];
}

/** The seeds of a record, in the order of its runs. */
export function seedsOf({ runs }: Pick<ExperimentRecord, 'runs'>): number[] {
  return [...new Set(runs.map(({ seed }) => seed))];
}

/** 'clean' or 'baseline attack'. */
export function attackTitle(attack: string): string {
  return attack === NO_ATTACK ? 'clean' : `${attack} attack`;
}

/** The dormant phase lasts while attack success is at least this share of its first value. */
const DORMANT = 0.95;

/**
 * The phases of a pruning curve (Fine-Pruning, section 3.1), in units pruned. Up to `dormant`, neither
 * rate changes. Up to `backdoor`, attack success falls, and validation accuracy does not. From there on,
 * accuracy falls, and the defender stops.
 */
export function phasesOf({ curve, stop }: Pick<NetworkRecord, 'curve' | 'stop'>): {
  dormant: number;
  backdoor: number;
} {
  const first = curve[0]?.asr.rate ?? 0;
  const fallen = curve.find(({ asr }) => asr.rate < DORMANT * first)?.pruned ?? Infinity;
  return { dormant: Math.min(stop, fallen - 1), backdoor: stop };
}
