import type { NamedSets } from '../../data/index.ts';
import { fashionMnist } from './fashion-mnist.ts';
import { mnist } from './mnist.ts';

/** Data sets that are opened by their name. */
export const NAMED_SETS: NamedSets = { mnist, 'fashion-mnist': fashionMnist };
