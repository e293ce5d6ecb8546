import { clp } from './clp.ts';
import { finePruning } from './fine-pruning.ts';
import { fineTuning } from './fine-tuning/fine-tuning.ts';
import { ftSam } from './ft-sam.ts';
import { pruning } from './pruning/pruning.ts';

/** Every defense. A new one is a file of its own, and a line here. */
export const DEFENSES = [pruning, fineTuning, finePruning, clp, ftSam] as const;

export const DEFAULT_METHOD = finePruning.name;
