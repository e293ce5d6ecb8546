import * as z from 'zod';
import { RANKINGS } from '../../../network/index.ts';

export const pruningSettings = z.strictObject({
  site: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .meta({
      description: 'activation to prune, or several in their order; "inspect" lists them',
      value: 'names...',
      default: 'the last convolutional one that every path leads through',
    }),
  rank: z.enum(RANKINGS).optional().meta({
    description: 'statistic that units are ranked by; the lowest are pruned first',
    default: 'mean; detectors: max',
  }),
  share: z.number().min(0).max(1).optional().meta({
    description:
      'prune this share of the units, whatever it costs, instead of stopping by accuracy',
  }),
  step: z
    .int()
    .min(1)
    .default(1)
    .meta({ description: 'units pruned between two measurements of accuracy' }),
  fullCurve: z
    .boolean()
    .default(false)
    .meta({ description: 'measure the pruning curve to its end, for the report' }),
  mask: z.enum(['producer', 'consumers', 'mul']).optional().meta({
    description:
      'where the mask goes: the weights that make the units, those that read them, or a Mul node',
    default: 'the first of these that works',
  }),
});

/** Settings of pruning: see the description of each. */
export type PruningSettings = z.output<typeof pruningSettings>;
