import * as z from 'zod';
import { cleanScoreSchema, count } from '../../../metrics/index.ts';
import type { Step } from '../../steps.ts';
import type { FineTuneSettings, FineTuning } from './fine-tune.ts';

const epoch = z.object({
  epoch: count,
  loss: z.number(),
  validation: cleanScoreSchema.describe('On the holdout'),
  learningRate: z.number().nonnegative(),
});

export const tuningRun = z.object({
  epochs: z.array(epoch),
  chosen: count.describe('The epoch kept; 0 for the weights that it began with'),
  start: z.object({ loss: z.number(), validation: cleanScoreSchema }),
  rate: z.number().positive().describe('Learning rate that the schedule began with'),
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
    .describe('Times that training was taken back and went on at a lower rate'),
});

/** The data of a step of kind 'tuning'. */
export const tuningData = z.object({
  runs: z.array(tuningRun).min(1).describe('Each by another seed; their weights are averaged'),
  settings: z.record(z.string(), z.json()).describe('What it ran with, defaults included'),
  trained: z.array(z.string()).describe('Parameters that were trained'),
  frozen: z
    .array(z.string())
    .describe('Parameters left as they are, since no gradient reaches them, and why'),
});

export type TuningRun = z.output<typeof tuningRun>;
export type TuningStep = Step<'tuning', z.output<typeof tuningData>>;

/** What one fine-tuning came to, as the record has it. */
export function tuningRunOf({
  epochs,
  chosen,
  start,
  rate,
  found,
  retries,
}: FineTuning): TuningRun {
  return {
    epochs: epochs.map(({ epoch, loss, holdout, rate: learningRate }) => ({
      epoch,
      loss,
      validation: holdout,
      learningRate,
    })),
    chosen,
    start: { loss: start.loss, validation: start.holdout },
    rate,
    ...(found && { found: { edge: found.edge, trail: [...found.trail] } }),
    retries: [...retries],
  };
}

/** Settings as plain data: functions are named only, what is undefined is left out. */
export function plainSettings(
  settings: Omit<FineTuneSettings, 'seed' | 'floor' | 'checkpoints' | 'signal' | 'onProgress'>,
  more: object,
): Record<string, z.core.util.JSONType> {
  const text = JSON.stringify({ ...settings, ...more }, (_, value: unknown) =>
    typeof value === 'function' ? 'by the caller' : value,
  );
  return JSON.parse(text) as Record<string, z.core.util.JSONType>;
}
