/**
 * The record of one run: everything a report says, as plain data. `report.json` is this record,
 * and the page is drawn from nothing else.
 */
import * as z from 'zod';
import { pruningData, type PrunedSite, type PruningStep, tuningData } from '../../defense/index.ts';
import {
  cleanScoreSchema,
  count,
  type Evaluation,
  evaluationSchema,
  share,
} from '../../metrics/index.ts';
import { FinepruneError } from '../../onnx/error.ts';

export type ReportErrorCode = 'report/not-json' | 'report/invalid-record' | 'report/image';

/** A report, or a part of one, that cannot be used. */
export class ReportError extends FinepruneError<ReportErrorCode> {
  override readonly name = 'ReportError';
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

const file = z.object({ path: z.string(), sha256 });

const input = file.extend({
  data: z.array(file).optional().describe('Its files of external data, by paths from its folder'),
});

const image = z.union([
  z
    .string()
    .regex(/^data:image\/png;base64,[A-Za-z0-9+/]+={0,2}$/, 'expected a PNG data URI')
    .describe('PNG as a data URI'),
  z
    .object({
      width: z.int().positive().max(4096),
      height: z.int().positive().max(4096),
      channels: z.union([z.literal(1), z.literal(3), z.literal(4)]),
      pixels: z.array(z.int().min(0).max(255)).describe('Row-major, channels interleaved'),
    })
    .refine((i) => i.pixels.length === i.width * i.height * i.channels, {
      message: 'pixels must number width * height * channels',
    }),
]);

const example = z.object({
  image: image.optional().describe('Absent where samples are no images'),
  triggeredImage: image.optional(),
  label: z.string().describe('The true class'),
  before: z.string().describe('What the input model says of the image'),
  beforeTriggered: z.string().optional(),
  after: z.string().describe('What the output model says of the image'),
  afterTriggered: z.string().optional(),
});

const box = z.object({
  left: z.number(),
  top: z.number(),
  right: z.number(),
  bottom: z.number(),
});

const detections = z.array(z.object({ box, label: z.string(), score: share }));

export const scenes = z.object({
  classes: z.array(z.string()).describe('In the order of `ap`'),
  shown: z.array(
    z.object({
      of: z.enum(['test', 'triggered']),
      image,
      truth: z.array(z.object({ box, label: z.string() })),
      before: detections.describe('With a score of 0.5 or more'),
      after: detections,
    }),
  ),
});

const slim = z.object({
  file: file.optional().describe('Absent where none was written'),
  bytes: z.object({ before: count, after: count }),
  removed: z.array(z.object({ site: z.string(), units: z.array(count) })),
  kept: z
    .array(z.object({ site: z.string(), unit: count, why: z.string() }))
    .describe('Units that stay in the network, zeroed, and what is in the way'),
  difference: z
    .number()
    .nonnegative()
    .nullable()
    .describe('Largest difference of an output on validation data, as a share of the largest'),
});

const confusion = z.object({
  label: z.string(),
  predicted: z.string(),
  of: count.describe('Samples of that label'),
  before: count,
  after: count,
});

const layer = z.object({
  op: z.string(),
  name: z.string(),
  dims: z.array(z.int()).describe('Of its output for one sample'),
  weights: count.describe('How many numbers it holds'),
  trained: z.boolean(),
  site: z.string().optional().describe('The site it makes, where units were pruned'),
});

const setting: z.ZodType<Setting> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(setting),
    z.record(z.string(), setting),
  ]),
);

export type Setting = string | number | boolean | null | Setting[] | { [name: string]: Setting };

/** What a step holds, whatever its kind. */
const stepFields = {
  by: z.string().describe('The method that made it'),
  summary: z.string().describe('What was done, for people'),
  failed: z.string().optional().describe('Why it came to nothing, where it did'),
  seconds: z.number().nonnegative(),
};

/** The data of the kinds of steps that are known. Other kinds are kept as they are. */
const STEP_DATA: Readonly<Record<string, z.ZodType>> = { pruning: pruningData, tuning: tuningData };

const dataSchema = (kind: string): z.ZodType =>
  (Object.hasOwn(STEP_DATA, kind) && STEP_DATA[kind]) || z.unknown();

/** Whether the data of a kind of step are checked. */
export const isKnownKind = (kind: string): boolean => Object.hasOwn(STEP_DATA, kind);

const step = z
  .object({ kind: z.string(), ...stepFields, data: z.unknown() })
  .check(({ value: { kind, data }, issues }) => {
    const problems = dataSchema(kind).safeParse(data).error?.issues ?? [];
    for (const { path, message } of problems) {
      issues.push({ code: 'custom', input: data, path: ['data', ...path], message });
    }
  })
  .transform((value) => ({
    ...value,
    data: dataSchema(value.kind).safeParse(value.data).data ?? value.data,
  }));

/** For the published schema: each known kind with its data. */
const publishedStep = z.union([
  ...Object.entries(STEP_DATA).map(([kind, data]) =>
    z.object({ kind: z.literal(kind), ...stepFields, data }),
  ),
  z
    .object({ kind: z.string(), ...stepFields, data: z.unknown() })
    .describe('A step of another kind: its data are those of its method'),
]);

const outcome = (steps: z.ZodType<readonly RecordedStep[]>) =>
  z.object({
    method: z.string().describe('"none" for the input model'),
    evaluation: evaluationSchema.optional().describe('On test data, where there were some'),
    steps,
  });

export interface RecordedStep {
  readonly kind: string;
  readonly by: string;
  readonly summary: string;
  readonly failed?: string | undefined;
  readonly seconds: number;
  readonly data: unknown;
}

const fields = {
  tool: z
    .object({
      name: z.string(),
      version: z.string(),
      backend: z.enum(['native', 'wasm']),
      runtimeVersion: z.string().describe('Version of ONNX Runtime'),
    })
    .describe('What computed the result'),
  host: z
    .object({
      node: z.string(),
      platform: z.string(),
      threads: z.int().positive(),
      seconds: z.number().nonnegative(),
    })
    .optional()
    .describe('Facts of one execution, left out of the stable view'),
  command: z.string().describe('The command line that repeats the run'),
  seed: z.int(),
  settings: z.record(z.string(), setting),
  input,
  output: file.optional(),
  data: z.array(
    z.object({
      role: z.enum(['train', 'validation', 'test', 'triggered']),
      name: z.string(),
      count,
      sha256,
      source: z.enum(['real', 'synthetic']),
    }),
  ),
  outcomes: z
    .array(outcome(z.array(step)))
    .min(1)
    .describe('The input model first, the output model last, other methods between'),
  reach: z
    .array(z.object({ site: z.string(), gradient: z.array(z.number().nonnegative()) }))
    .optional()
    .describe('Mean |gradient| of the weights of each unit on clean data, before fine-tuning'),
  slim: slim.optional().describe('The network without its pruned units, where one was asked for'),
  holdout: z
    .object({ before: cleanScoreSchema, after: cleanScoreSchema })
    .optional()
    .describe('Accuracy on the validation data that is not trained on'),
  confusions: z
    .object({ of: z.enum(['test', 'triggered']), changed: z.array(confusion) })
    .array()
    .optional()
    .describe('How often a class was called what before and after, the largest changes first'),
  layers: z.array(layer).optional().describe('The network from its input to its scores'),
  examples: z.array(example),
  scenes: scenes.optional().describe('Detectors: test scenes with what is found in them'),
  verdict: z.object({ repaired: z.boolean().nullable(), text: z.string() }),
};

export const runRecord = z.object(fields);

export type RunRecord = z.infer<typeof runRecord>;
export type Example = z.infer<typeof example>;
export type Picture = z.infer<typeof image>;
export type Scenes = z.infer<typeof scenes>;
export type RecordedOutcome = RunRecord['outcomes'][number];

/** An outcome that was evaluated. */
export interface NamedEvaluation {
  readonly method: string;
  readonly evaluation: Evaluation;
}

/**
 * Check that a value is a record of a run; keys that a record does not have are dropped, and the
 * others come in the schema's order.
 *
 * @throws ReportError `report/invalid-record`, naming each field that is wrong
 */
export function parseRecord(value: unknown): RunRecord {
  const result = runRecord.safeParse(value);
  if (result.success) return result.data;
  throw new ReportError(
    'report/invalid-record',
    `This is not the record of a run:\n${z.prettifyError(result.error)}\n` +
      'Use a report.json as fineprune wrote it, or make a new one by repeating the run.',
  );
}

/** The record without the facts of one execution: equal for equal seed, settings and versions. */
export function stable(record: RunRecord): RunRecord {
  const { host: _, ...rest } = record;
  const outcomes = rest.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) => ({ ...step, seconds: 0 })),
  }));
  return { ...rest, outcomes };
}

/** The JSON Schema (2020-12) of `report.json`. */
export function recordJsonSchema(): object {
  const outcomes = z.array(outcome(z.array(publishedStep))).min(1);
  return z.toJSONSchema(z.object({ ...fields, outcomes }));
}

/** The same as the text of `docs/report.schema.json`. */
export function schemaText(): string {
  const about = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'fineprune report',
    description: 'report.json as `fineprune defend` writes it: the record of one run',
  };
  return `${JSON.stringify({ ...about, ...recordJsonSchema() }, null, 2)}\n`;
}

/** The outcomes that were evaluated. */
export function evaluationsOf({ outcomes }: Pick<RunRecord, 'outcomes'>): NamedEvaluation[] {
  return outcomes.flatMap(({ method, evaluation }) => (evaluation ? [{ method, evaluation }] : []));
}

/** Steps of the output model. */
export function stepsOf({ outcomes }: Pick<RunRecord, 'outcomes'>): readonly RecordedStep[] {
  return outcomes.at(-1)?.steps ?? [];
}

/** The sites that were pruned in the output model, in their order. */
export function prunedSitesOf(record: Pick<RunRecord, 'outcomes'>): readonly PrunedSite[] {
  return stepsOf(record).flatMap(({ kind, data }) =>
    kind === 'pruning' ? (data as PruningStep['data']).sites : [],
  );
}

/** Units that are pruned at a site. */
export function prunedUnits({ order, stop }: Pick<PrunedSite, 'order' | 'stop'>): Set<number> {
  return new Set(order.slice(0, stop.pruned));
}
