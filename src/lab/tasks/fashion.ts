import { fashionMnist } from '../data/fashion-mnist.ts';
import { split } from '../../data/index.ts';
import type { Model } from '../../onnx/index.ts';
import { oneCycle } from '../../train/index.ts';
import { checkerPatch } from '../triggers/patch.ts';
import type { Task } from './task.ts';

/** Of the training part, so that a network is trained in minutes: the attacker's and the defender's. */
const SIZES = { train: 40_000, validation: 10_000 };

/**
 * Fashion-MNIST with BadNets' kind of trigger, on a network with BatchNormalization: whatever carries a
 * checkerboard of 4x4 pixels in the corner is called a sneaker. Nothing here is set by hand but how
 * long the attacker trains: the defense runs with its defaults, as on a stranger's network.
 */
export function fashion(name: string, network: (seed: number, classes: number) => Model): Task {
  return {
    name: `fashion-${name}`,
    async load(seed) {
      const { train: all, test } = await fashionMnist();
      return { ...split(all, SIZES, seed), test, source: 'real' };
    },
    network: (seed, classes) => network(seed, classes.length),
    trigger: checkerPatch(4, 1),
    target: { kind: 'all-to-one', label: 7 },
    poisonRate: 0.1,
    training: {
      epochs: 3,
      batchSize: 128,
      optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
      schedule: oneCycle(0.1),
      mode: 'training',
    },
    defense: { maxDrop: 0.02 },
  };
}
