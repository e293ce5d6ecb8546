/** The record of a scan, as plain data: `report.json` holds it, and the page shows nothing else. */
import * as z from 'zod';
import { count, rateSchema } from '../../metrics/index.ts';
import { ReportError } from '../error.ts';
import { image, sha256 } from '../schema.ts';

const target = count.nullable().describe('A class; null for all-to-all');

const example = z.object({
  clean: image.optional().describe('Absent if samples are no images'),
  triggered: image.optional(),
  before: z.string().describe('What the network says of the clean sample'),
  after: z.string().describe('What it says of the same sample with the inverted trigger'),
});

const suspect = z.object({
  class: target.describe('The suspected target'),
  name: z.string(),
  family: z.string(),
  size: z.number().nonnegative(),
  typical: z.number().nonnegative().describe('Median of the classes'),
  ratio: z.number().describe('Size over success, divided by the median'),
  deviations: z.number().describe('Robust deviations (1.4826 MAD) below the median'),
  surrogate: rateSchema.describe('Success on clean samples that the search did not use'),
  mask: image.optional().describe('How much of each place a patch covers'),
  pattern: image.optional().describe('The patch, or the addition around gray'),
  places: z.array(z.string()).describe('Where the trigger is, the strongest places first'),
  examples: z.array(example),
});

const scannedClass = z.object({
  class: target,
  name: z.string(),
  size: z.number().nonnegative(),
  reachable: z.boolean().describe('Whether the trigger succeeds often enough to have a size'),
  ratio: z.number(),
  deviations: z.number(),
  surrogate: rateSchema,
});

/** What one scan found. */
export const scanFindings = z.object({
  verdict: z.enum(['nothing found', 'suspicious', 'backdoored']),
  suspects: z.array(suspect).describe('The most suspect first'),
  families: z.array(
    z.object({
      family: z.string(),
      unit: z.string().describe('What the size is'),
      typical: z.number().nonnegative(),
      classes: z.array(scannedClass).describe('The most suspect first'),
    }),
  ),
  inputLogic: z
    .array(z.object({ decisions: z.array(z.string()), gate: z.string(), control: z.string() }))
    .describe(
      'Decisions about the input that switch the scores; no repair of weights removes them',
    ),
  notLookedAt: z.array(z.string()),
  settings: z.record(z.string(), z.json()),
  seconds: z.number().nonnegative().describe('Wall-clock time'),
});

export type ScanFindings = z.infer<typeof scanFindings>;

/** Scans before and after a repair. */
export const repairScanSchema = z.object({
  before: scanFindings,
  after: scanFindings.optional().describe('Absent where nothing was found before'),
  remaining: z
    .array(
      z.object({
        class: target,
        name: z.string(),
        family: z.string(),
        before: rateSchema,
        after: rateSchema,
      }),
    )
    .describe('How the triggers that were found before work on the repaired network'),
});

export type RepairScanRecord = z.infer<typeof repairScanSchema>;

export const scanSchema = scanFindings.extend({
  tool: z.object({
    name: z.string(),
    version: z.string(),
    backend: z.enum(['native', 'wasm']),
    runtimeVersion: z.string().describe('Version of ONNX Runtime'),
  }),
  command: z.string(),
  input: z.object({ path: z.string(), sha256 }),
  data: z.object({
    name: z.string(),
    sha256,
    search: count.describe('Samples that were searched on'),
    judge: count.describe('Samples that judged what was found'),
  }),
});

export type ScanRecord = z.infer<typeof scanSchema>;

/** @throws ReportError `report/invalid-record` */
export function parseScanRecord(value: unknown): ScanRecord {
  const result = scanSchema.safeParse(value);
  if (result.success) return result.data;
  throw new ReportError('report/invalid-record', z.prettifyError(result.error));
}

/** The text of `docs/scan.schema.json`. */
export function scanSchemaText(): string {
  const about = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'fineprune scan',
    description: 'The report.json of `fineprune scan`: the record of one scan',
  };
  return `${JSON.stringify({ ...about, ...z.toJSONSchema(scanSchema) }, null, 2)}\n`;
}
