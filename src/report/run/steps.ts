import * as z from 'zod';
import {
  pruningData,
  type PrunedSite,
  type PruningStep,
  type Step,
  tuningData,
  type TuningStep,
} from '../../defense/index.ts';
import { count } from '../../metrics/index.ts';

const fields = {
  by: z.string().describe('The method that made it'),
  summary: z.string().describe('What was done, in words'),
  failed: z.string().optional().describe('Why it changed nothing, if it failed'),
  seconds: z.number().nonnegative(),
  pruned: z
    .array(
      z.object({
        site: z.string().describe('The value whose units they are'),
        axis: count,
        of: z.int().positive().describe('How many units it has'),
        units: z.array(count).describe('Those that are pruned, ascending'),
      }),
    )
    .optional()
    .describe('The units that it pruned, if it did'),
};

/** The kinds of steps that have a schema. The data of other kinds are any JSON. */
const KNOWN: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['pruning', pruningData],
  ['tuning', tuningData],
]);

/** Whether the data of this kind of step have a schema. */
export const isKnownKind = (kind: string): boolean => KNOWN.has(kind);

const json = z.json();
const anyJson = z.unknown().refine((data) => json.safeParse(data).success, 'expected plain JSON');

export const stepSchema: z.ZodType<Step> = z
  .object({ kind: z.string(), ...fields, data: z.unknown() })
  .transform((step, { issues }) => {
    const { success, data, error } = (KNOWN.get(step.kind) ?? anyJson).safeParse(step.data);
    if (success) return { ...step, data };
    for (const { path, message } of error.issues) {
      issues.push({ code: 'custom', input: step.data, path: ['data', ...path], message });
    }
    return z.NEVER;
  });

/** The same for the published JSON Schema, which lists the data of each known kind. */
export const publishedStep = z.union([
  ...[...KNOWN].map(([kind, data]) => z.object({ kind: z.literal(kind), ...fields, data })),
  z
    .object({ kind: z.string(), ...fields, data: z.unknown() })
    .describe('A step of another kind, with data of its own'),
]);

export const isPruning = (step: Step): step is PruningStep => step.kind === 'pruning';
export const isTuning = (step: Step): step is TuningStep => step.kind === 'tuning';

/** What has steps: a record, or the repair that it is made from. */
interface WithOutcomes {
  readonly outcomes: readonly { readonly steps: readonly Step[] }[];
}

/** Steps of the output model. */
export function stepsOf({ outcomes }: WithOutcomes): readonly Step[] {
  return outcomes.at(-1)?.steps ?? [];
}

/** The sites that were pruned in the output model, in their order. */
export function prunedSitesOf(record: WithOutcomes): readonly PrunedSite[] {
  return stepsOf(record)
    .filter(isPruning)
    .flatMap(({ data }) => data.sites);
}

/** Units that are pruned at a site. */
export function prunedUnitsOf({ order, stop }: Pick<PrunedSite, 'order' | 'stop'>): Set<number> {
  return new Set(order.slice(0, stop.pruned));
}
