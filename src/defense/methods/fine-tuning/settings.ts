import * as z from 'zod';
import { type Augment, AUGMENTATIONS } from '../../../data/index.ts';
import { SCHEDULES, type ScheduleName } from '../../../train/index.ts';

const share = z.number().min(0).max(1);
const PLACES = ['all', 'from-site', 'regions', 'after-site'] as const;

export const tuningSettings = z.strictObject({
  epochs: z.int().min(1).optional().meta({
    description: 'epochs of fine-tuning',
    default: '12; detectors: 40',
  }),
  rate: z
    .union([z.literal('auto'), z.number().positive()])
    .optional()
    .meta({
      description: 'learning rate, or "auto" to find one',
      value: 'x',
      default: 'auto; detectors: 0.06',
    }),
  batchSize: z.int().min(1).optional().meta({
    flag: 'batch',
    description: 'batch size',
    default: '128, less where samples are few; detectors: 16',
  }),
  optimizer: z.enum(['sgd', 'adam']).default('sgd').meta({ description: 'update rule' }),
  weightDecay: z.number().min(0).optional().meta({
    description: 'weight decay, in units of the rate',
    default: 'sgd: 0.05 where the rate is found, else 0.0005; adam: 0',
  }),
  schedule: z
    .enum(Object.keys(SCHEDULES) as [ScheduleName, ...ScheduleName[]])
    .optional()
    .meta({ description: 'how the rate changes over the epochs', default: 'cosine' }),
  layers: z
    .union([z.enum(PLACES), z.array(z.string()).min(1)])
    .optional()
    .meta({
      description:
        'what is trained: "all", "from-site" (the layer that makes the site and all after it), "after-site", "regions" (detectors: all but the proposals), or names of layers',
      value: 'names...',
      default: 'all; detectors: regions',
    }),
  site: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .meta({
      description: 'the site that "layers" speaks of',
      value: 'names...',
      default: 'the site that is pruned by default',
    }),
  patience: z.int().min(1).optional().meta({
    description: 'stop after this many epochs without a higher holdout accuracy',
    default: 'never',
  }),
  keep: z.enum(['chosen', 'last']).optional().meta({
    description: 'epoch that is kept: the one that the holdout chooses, or the last',
    default: 'chosen',
  }),
  shift: z.int().min(0).optional().meta({
    description: 'move pictures by up to this many pixels, at random',
    value: 'pixels',
    default: '0',
  }),
  augment: z
    .array(z.enum(AUGMENTATIONS))
    .optional()
    .meta({ description: 'random changes of pictures', value: 'names', default: 'none' }),
  occlusion: share.optional().meta({
    description:
      'cover part of a picture with a piece of another one, up to this share of each side; detectors: cover objects with rectangles',
    value: 'share',
    default: '0; detectors: 0.5',
  }),
  transform: z
    .custom<Augment>((value) => typeof value === 'function')
    .optional()
    .meta({ description: 'another random change of samples; library only', flag: false }),
  dropout: z
    .boolean()
    .default(false)
    .meta({ description: "let the model's own Dropout drop while it is trained" }),
  interpolate: share.gt(0).optional().meta({
    description: 'how far to go from the given weights to the fine-tuned ones',
    value: 'share',
    default: '1',
  }),
  runs: z.int().min(1).default(1).meta({
    description: 'fine-tune this often, by other seeds, and average the weights',
  }),
  freezeUnsupported: z.boolean().default(false).meta({
    description: 'leave weights that no gradient reaches as they are; without it they are an error',
  }),
});

/** Settings of fine-tuning: see the description of each. */
export type TuningSettings = z.output<typeof tuningSettings>;
