import * as z from 'zod';

/** Schemas of rates and evaluations, as records of runs have them. */

export const count = z.int().nonnegative();
export const share = z.number().min(0).max(1);

const counts = z.object({ rate: share, hits: count, of: count, low: share, high: share });
const possible = [
  (r: { hits: number; of: number }) => r.hits <= r.of,
  'more hits than trials',
] as const;

export const rateSchema = counts
  .refine(...possible)
  .describe('A share with its count and its 95% Wilson interval');

export const cleanScoreSchema = counts
  .extend({
    map: share.optional().describe('Detectors: mean average precision at IoU 0.5'),
    mapError: z
      .number()
      .nonnegative()
      .optional()
      .describe('Its standard error, by the jackknife over scenes, where it chose an epoch'),
    ap: z.array(share.nullable()).optional().describe('Detectors: average precision by class'),
  })
  .refine(...possible)
  .describe('Share of right answers; detectors: of the objects that are found as what they are');

export const evaluationSchema = z.object({
  acc: cleanScoreSchema.describe('Clean accuracy'),
  asr: rateSchema.optional().describe('Attack success rate'),
  ra: rateSchema.optional().describe('Robust accuracy'),
  missed: rateSchema.optional().describe('Detectors: triggered objects that are not found'),
});
