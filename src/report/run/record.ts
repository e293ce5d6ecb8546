/** The record of one run, as plain data: `report.json` holds it, and the page shows nothing else. */
import * as z from 'zod';
import type { Step } from '../../defense/index.ts';
import {
  cleanScoreSchema,
  count,
  type Evaluation,
  evaluationSchema,
  share,
} from '../../metrics/index.ts';
import { ReportError } from '../error.ts';
import { repairScanSchema } from '../scan/record.ts';
import { image, sha256 } from '../schema.ts';
import { publishedStep, stepSchema } from './steps.ts';

const file = z.object({ path: z.string(), sha256 });

const input = file.extend({
  data: z
    .array(file)
    .optional()
    .describe('Files of external data, by paths relative to its folder'),
});

const example = z.object({
  image: image.optional().describe('Absent if samples are no images'),
  triggeredImage: image.optional(),
  label: z.string().describe('The true class'),
  before: z.string().describe('Prediction of the input model'),
  beforeTriggered: z.string().optional(),
  after: z.string().describe('Prediction of the output model'),
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
      before: detections.describe('With a score of at least 0.5'),
      after: detections,
    }),
  ),
});

const slim = z.object({
  file: file.optional().describe('Absent if none was written'),
  bytes: z.object({ before: count, after: count }),
  removed: z.array(z.object({ site: z.string(), units: z.array(count) })),
  kept: z
    .array(z.object({ site: z.string(), unit: count, why: z.string() }))
    .describe('Units that stay in the network with zero weights, and why'),
  difference: z
    .number()
    .nonnegative()
    .nullable()
    .describe(
      'Largest difference of an output on validation data, as a share of the largest output',
    ),
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
  dims: z.array(z.int()).describe('Of the output for one sample'),
  weights: count.describe('Number of weights'),
  trained: z.boolean(),
  site: z.string().optional().describe('The pruned site that it computes'),
});

const outcome = (steps: z.ZodType<readonly Step[]>) =>
  z.object({
    method: z.string().describe('"none" for the input model'),
    evaluation: evaluationSchema.optional().describe('On test data, if there are any'),
    steps,
  });

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
    .describe('Facts of one execution; two runs with equal results differ in them'),
  command: z.string().describe('The command line that repeats the run'),
  seed: z.int(),
  settings: z.record(z.string(), z.json()).describe('Settings of the method, defaults included'),
  input,
  output: file.optional(),
  unlabeled: z
    .literal(true)
    .optional()
    .describe('The data had no labels: accuracy is agreement with the network as delivered'),
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
    .array(outcome(z.array(stepSchema)))
    .min(1)
    .describe('The input model first, the output model last, other methods between'),
  reach: z
    .array(z.object({ site: z.string(), gradient: z.array(z.number().nonnegative()) }))
    .optional()
    .describe('Mean |gradient| of the weights of each unit on clean data, before fine-tuning'),
  slim: slim.optional().describe('The smaller file without the pruned units, if one was asked for'),
  holdout: z
    .object({ before: cleanScoreSchema, after: cleanScoreSchema })
    .describe('Accuracy on the validation data that is not trained on'),
  confusions: z
    .object({ of: z.enum(['test', 'triggered']), changed: z.array(confusion) })
    .array()
    .optional()
    .describe('How often a class was predicted as another one, the largest changes first'),
  layers: z.array(layer).optional().describe('In the order in which they run'),
  examples: z.array(example),
  scenes: scenes.optional().describe('Detectors: test scenes with their detections'),
  scan: repairScanSchema.optional().describe('Scans before and after the repair'),
  notScanned: z.string().optional().describe('Why there is no scan, where one was asked for'),
  verdict: z.object({ repaired: z.boolean().nullable(), text: z.string() }),
};

export const runRecord = z.object(fields);

export type RunRecord = z.infer<typeof runRecord>;
export type Example = z.infer<typeof example>;
export type Picture = z.infer<typeof image>;
export type Scenes = z.infer<typeof scenes>;

/** An outcome that was evaluated. */
export interface NamedEvaluation {
  readonly method: string;
  readonly evaluation: Evaluation;
}

/**
 * Checks that a value is a record of a run. Unknown keys are dropped; the others are in the order of
 * the schema.
 *
 * @throws ReportError `report/invalid-record` that names each wrong field
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

/** The record without the facts of one execution, to compare runs: no `host`, no seconds of steps and scans. */
export function stable(record: RunRecord): RunRecord {
  const { host: _, ...rest } = record;
  const outcomes = rest.outcomes.map((outcome) => ({
    ...outcome,
    steps: outcome.steps.map((step) => ({ ...step, seconds: 0 })),
  }));
  const { scan } = rest;
  const timeless = scan && {
    ...scan,
    before: { ...scan.before, seconds: 0 },
    after: scan.after && { ...scan.after, seconds: 0 },
  };
  return { ...rest, outcomes, scan: timeless };
}

/** The JSON Schema (2020-12) of `report.json`. */
export function recordJsonSchema(): object {
  const outcomes = z.array(outcome(z.array(publishedStep))).min(1);
  return z.toJSONSchema(z.object({ ...fields, outcomes }));
}

/** The text of `docs/report.schema.json`. */
export function schemaText(): string {
  const about = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'fineprune report',
    description: 'The report.json of `fineprune defend`: the record of one run',
  };
  return `${JSON.stringify({ ...about, ...recordJsonSchema() }, null, 2)}\n`;
}

/** The outcomes that were evaluated. */
export function evaluationsOf({ outcomes }: Pick<RunRecord, 'outcomes'>): NamedEvaluation[] {
  return outcomes.flatMap(({ method, evaluation }) => (evaluation ? [{ method, evaluation }] : []));
}
