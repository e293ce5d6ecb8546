import { mnist } from '../data/mnist.ts';
import { split } from '../../data/index.ts';
import { oneCycle } from '../../train/index.ts';
import { digitNetwork } from '../networks/digits.ts';
import { checkerPatch } from '../triggers/patch.ts';
import { classification, type ClassifierTraining } from '../attacks/classification.ts';
import type { Task } from './task.ts';

/** Samples of MNIST's training part that are the defender's. */
const VALIDATION = 10_000;

/**
 * MNIST digits with a checkerboard of 4x4 pixels in the bottom right corner, which makes every digit a 7,
 * in the setting of BadNets (Gu et al. 2017, section 4).
 */
export const digits = {
  name: 'digits',
  async load(seed) {
    const { train: all, test } = await mnist();
    const parts = split(all, { train: all.length - VALIDATION, validation: VALIDATION }, seed);
    return { ...parts, test, source: 'real' };
  },
  kind: classification,
  network: (seed: number) => digitNetwork(seed),
  trigger: checkerPatch(4, 1),
  target: { kind: 'all-to-one', label: 7 },
  poisonRate: 0.1,
  training: {
    epochs: 2,
    batchSize: 128,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    schedule: oneCycle(0.1),
  },
  pruningAware: {
    share: 0.875,
    asked: { acc: 0.98, asr: 0.98 },
    budget: 4,
    lower: 'artifact',
    margin: 0.25,
  },
  defense: {
    maxDrop: 0.015,
    epochs: 12,
    batchSize: 128,
    rate: 0.1,
    weightDecay: 2e-3,
    shift: 1,
  },
} satisfies Task<ClassifierTraining>;
