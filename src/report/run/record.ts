/**
 * The record of one run: everything a report says, as plain data. `report.json` is this record,
 * and the page is drawn from nothing else.
 */
import * as z from 'zod';
import { FinepruneError } from '../../onnx/error.ts';

export type ReportErrorCode = 'report/not-json' | 'report/invalid-record' | 'report/image';

/** A report, or a part of one, that cannot be used. */
export class ReportError extends FinepruneError<ReportErrorCode> {
  override readonly name = 'ReportError';
}

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

const counts = z.object({ rate: share, hits: count, of: count, low: share, high: share });
const possible = [
  (r: { hits: number; of: number }) => r.hits <= r.of,
  'more hits than trials',
] as const;

export const rate = counts
  .refine(...possible)
  .describe('A share with its count and its 95% Wilson interval');

export const cleanScore = counts
  .extend({
    map: share.optional().describe('Of a detector: mean average precision at IoU 0.5'),
    mapError: z
      .number()
      .nonnegative()
      .optional()
      .describe('Its standard error, by the jackknife over scenes, where it chose an epoch'),
    ap: z.array(share.nullable()).optional().describe('Of a detector: average precision by class'),
  })
  .refine(...possible)
  .describe('Share of right answers; of a detector, of the objects that it finds as what they are');

const evaluation = z.object({
  acc: cleanScore.describe('Clean accuracy'),
  asr: rate.optional().describe('Attack success rate'),
  ra: rate.optional().describe('Robust accuracy'),
  missed: rate.optional().describe('Of a detector: triggered objects that it does not find'),
});

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

const curvePoint = z.object({
  pruned: count.describe('How many units are pruned at this point'),
  unit: count.nullable().describe('The unit pruned last; null where none is'),
  validation: cleanScore.describe('On clean validation data: the only score that chooses'),
  acc: cleanScore.optional().describe('Clean accuracy on test data'),
  asr: rate.optional(),
  ra: rate.optional(),
  missed: rate.optional(),
});

const epoch = z.object({
  epoch: count,
  loss: z.number(),
  validation: cleanScore,
  learningRate: z.number().nonnegative(),
});

const sitePruning = z.object({
  site: z.object({
    name: z.string().describe('The activation tensor whose units are pruned'),
    units: z.int().positive(),
    axis: z.int(),
    dims: z.array(z.int()),
  }),
  profile: z
    .object({ clean: z.array(z.number()), triggered: z.array(z.number()).optional() })
    .describe('Mean activation of each unit, by unit index'),
  gradient: z
    .array(z.number().nonnegative())
    .optional()
    .describe('Mean |gradient| of the weights of each unit on clean data, before fine-tuning'),
  order: z.array(count).describe('Unit indices in pruning order'),
  curve: z.array(curvePoint).describe('In ascending order of pruned units'),
  quiet: z
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

const training = z.object({
  name: z.string(),
  epochs: z.array(epoch),
  chosen: count
    .optional()
    .describe('The epoch kept, as `keep` has it; 0 for the weights that it began with'),
  keep: z
    .enum(['chosen', 'last'])
    .optional()
    .describe(
      'Which epoch was to be kept: the latest whose held accuracy is within one standard error of the highest (the default), or the last',
    ),
  start: z.object({ loss: z.number(), validation: cleanScore }).optional(),
  rate: z.number().positive().optional().describe('Learning rate that the schedule began with'),
  found: z
    .object({
      edge: z.number().positive().describe('The rate at which the loss began to rise'),
      trail: z.array(z.object({ rate: z.number(), loss: z.number() })),
    })
    .optional()
    .describe('How the rate was found, where it was not given'),
  retries: z
    .array(
      z.object({
        epoch: count,
        rate: z.number().positive(),
        because: z.enum(['loss', 'accuracy']),
        loss: z.number().nullable().describe('Null where it was no number'),
      }),
    )
    .optional()
    .describe('Times that training was taken back and went on at a lower rate'),
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

export const runRecord = z
  .object({
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
    ...sitePruning.shape,
    others: z
      .array(sitePruning)
      .optional()
      .describe('Further sites, in the order in which they were pruned after the first'),
    slim: slim.optional().describe('The network without its pruned units, where one was asked for'),
    training: z.array(training).optional(),
    held: z
      .object({ before: cleanScore, after: cleanScore })
      .optional()
      .describe('Accuracy on the validation data that is not trained on'),
    confusions: z
      .object({ of: z.enum(['test', 'triggered']), changed: z.array(confusion) })
      .array()
      .optional()
      .describe('How often a class was called what before and after, the largest changes first'),
    layers: z.array(layer).optional().describe('The network from its input to its scores'),
    evaluations: z
      .array(
        z.object({
          name: z.enum(['none', 'pruning', 'fine-tuning', 'fine-pruning']),
          evaluation,
        }),
      )
      .describe('On test data, the input model first and the output model last'),
    examples: z.array(example),
    scenes: scenes.optional().describe('Of a detector: test scenes with what it finds in them'),
    verdict: z.object({ repaired: z.boolean().nullable(), text: z.string() }),
  })
  .check(({ value: record, issues }) => {
    const parts = [{ at: [], part: record }, ...(record.others ?? []).map(other)];
    for (const { at, part } of parts) {
      for (const { path, message } of problemsOf(part)) {
        issues.push({ code: 'custom', input: record, path: [...at, ...path], message });
      }
    }
  });

const other = (part: SitePart, index: number) => ({ at: ['others', index], part });

type SitePart = z.infer<typeof sitePruning>;

function problemsOf(part: SitePart): { path: PropertyKey[]; message: string }[] {
  const problems: { path: PropertyKey[]; message: string }[] = [];
  const refuse = (path: PropertyKey[], message: string) => problems.push({ path, message });
  const { units } = part.site;
  const { clean, triggered } = part.profile;
  if (clean.length !== units) {
    refuse(['profile', 'clean'], `${clean.length} means for ${units} units`);
  }
  if (triggered !== undefined && triggered.length !== units) {
    refuse(['profile', 'triggered'], `${triggered.length} means for ${units} units`);
  }
  if (part.gradient !== undefined && part.gradient.length !== units) {
    refuse(['gradient'], `${part.gradient.length} gradients for ${units} units`);
  }
  if (new Set(part.order).size !== part.order.length) {
    refuse(['order'], 'a unit is pruned twice');
  }
  if (part.order.some((unit) => unit >= units)) {
    refuse(['order'], `a unit is out of range: the site has ${units} units`);
  }
  if (part.stop.pruned > part.order.length) {
    refuse(['stop', 'pruned'], 'more units pruned than the pruning order names');
  }
  part.curve.forEach((point, i) => {
    if (point.pruned > units) refuse(['curve', i, 'pruned'], `the site has ${units} units`);
    const previous = part.curve[i - 1];
    if (previous !== undefined && point.pruned <= previous.pruned) {
      refuse(['curve', i, 'pruned'], 'the curve must be in ascending order of pruned units');
    }
  });
  return problems;
}

export type RunRecord = z.infer<typeof runRecord>;
export type CurvePoint = z.infer<typeof curvePoint>;
export type Example = z.infer<typeof example>;
export type Picture = z.infer<typeof image>;
export type Scenes = z.infer<typeof scenes>;
export type NamedEvaluation = RunRecord['evaluations'][number];

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
  return rest;
}

/** The JSON Schema (2020-12) of `report.json`. */
export function recordJsonSchema(): object {
  return z.toJSONSchema(runRecord);
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

/** Units that are pruned in the output model. */
export function prunedUnits(record: RunRecord): Set<number> {
  return new Set(record.order.slice(0, record.stop.pruned));
}
