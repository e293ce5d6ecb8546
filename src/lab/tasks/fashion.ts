import { fashionMnist } from '../data/fashion-mnist.ts';
import { split, type Dataset } from '../../data/index.ts';
import type { Model } from '../../onnx/index.ts';
import { oneCycle } from '../../train/index.ts';
import { classification, type ClassifierTraining } from '../attacks/classification.ts';
import { denseNet } from '../networks/densenet.ts';
import { mobileNet } from '../networks/mobilenet.ts';
import { resNet } from '../networks/resnet.ts';
import { checkerPatch } from '../triggers/patch.ts';
import type { Task } from './task.ts';

/** Parts of the training set: the attacker's, so small that training takes minutes, and the defender's. */
const SIZES = { train: 40_000, validation: 10_000 };

/**
 * Fashion-MNIST with BadNets' kind of trigger, on a network with BatchNormalization: a checkerboard of
 * 4x4 pixels in the corner makes everything a sneaker. Only the attacker's epochs are set by hand: the
 * defense runs with its defaults, as on any model of somebody else.
 */
function fashion(name: string, network: (seed: number, classes: number) => Model) {
  return {
    name: `fashion-${name}`,
    async load(seed: number) {
      const { train: all, test } = await fashionMnist();
      return { ...split(all, SIZES, seed), test, source: 'real' };
    },
    kind: classification,
    network: (seed: number, { classes }: Pick<Dataset, 'classes'>) => network(seed, classes.length),
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
  } satisfies Task<ClassifierTraining>;
}

export const fashionResNet = fashion('resnet', resNet);
export const fashionDenseNet = fashion('densenet', denseNet);
export const fashionMobileNet = fashion('mobilenet', mobileNet);
