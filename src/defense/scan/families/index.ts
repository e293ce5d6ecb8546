import { addition } from './addition.ts';
import type { TriggerFamily } from './family.ts';
import { patch } from './patch.ts';

/** The kinds of perturbations that a scan looks for, each in a search of its own. */
export const FAMILIES: readonly TriggerFamily[] = [patch, addition];
