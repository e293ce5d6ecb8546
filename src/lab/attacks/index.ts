import type { Attack } from './attack.ts';

/**
 * Every attack by its name, loaded when it is first used. A new one is a file with its test, and a line
 * here.
 */
export const ATTACKS: Readonly<Record<string, () => Promise<Attack>>> = {
  baseline: async () => (await import('./baseline.ts')).baseline,
  'pruning-aware': async () => (await import('./pruning-aware.ts')).pruningAware,
};

/** The name of the network without an attack, in records and on the command line. */
export const NO_ATTACK = 'none';
