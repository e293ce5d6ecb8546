import * as z from 'zod';
import type { Defense } from '../defense.ts';
import { checkFits, tune } from './fine-tuning/fine-tuning.ts';
import { tuningSettings } from './fine-tuning/settings.ts';

export const ftSamSettings = z.strictObject({
  ...tuningSettings.shape,
  rho: z.number().positive().default(2).meta({
    description: 'length of the perturbation of the weights',
  }),
  perturbation: z.enum(['adaptive', 'plain']).default('adaptive').meta({
    description:
      'perturb each weight in proportion to its size, or all alike, which wants a rho of about 0.05',
  }),
  smoothing: z.number().min(0).lt(1).default(0.1).meta({
    description: 'share of each label that is spread over all classes',
    value: 'share',
  }),
});

export type FtSamSettings = z.output<typeof ftSamSettings>;

/**
 * Fine-tuning with sharpness-aware minimization. A backdoor is kept in few weights of large size; the
 * adaptive perturbation moves these most, so that fine-tuning shrinks them where it alone leaves them.
 * Defaults are those of the paper, but for the epochs and the rate, which are those of fine-tuning.
 */
export const ftSam: Defense<FtSamSettings> = {
  name: 'ft-sam',
  description: 'fine-tune with sharpness-aware minimization, which shrinks what a backdoor is in',
  source:
    'Zhu, Wei, Shen, Fan, Wu: Enhancing Fine-Tuning Based Backdoor Defense with Sharpness-Aware Minimization, ICCV 2023, section 3',
  settings: ftSamSettings,
  check: checkFits,
  run: (context, from, { rho, perturbation, smoothing, ...settings }) =>
    tune(context, from, settings, {
      by: 'ft-sam',
      training: { smoothing, sharpness: { rho, adaptive: perturbation === 'adaptive' } },
    }),
};
