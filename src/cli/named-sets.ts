import type { NamedSets } from '../data/index.ts';

/** Data sets that are opened by name. The lab is loaded only when one is opened. */
export const NAMED_SETS: NamedSets = {
  mnist: async () => (await import('../lab/index.ts')).mnist(),
  'fashion-mnist': async () => (await import('../lab/index.ts')).fashionMnist(),
};
