import * as z from 'zod';
import { inSequence } from '../defense.ts';
import { fineTuning } from './fine-tuning/fine-tuning.ts';
import { tuningSettings } from './fine-tuning/settings.ts';
import { pruning } from './pruning/pruning.ts';
import { pruningSettings } from './pruning/settings.ts';

/** Fine-pruning: first prune, then fine-tune the rest. */
export const finePruning = inSequence(
  {
    name: 'fine-pruning',
    description: 'prune, then train the rest on with clean data',
    source: 'Liu, Dolan-Gavitt, Garg: Fine-Pruning, RAID 2018, section 3.3',
  },
  z.strictObject({ ...tuningSettings.shape, ...pruningSettings.shape }),
  pruning,
  fineTuning,
);
