import { drawnSigns } from '../data/drawn-signs.ts';
import { folderOf } from '../data/sets/sets.ts';
import { openScenes, split } from '../../data/index.ts';
import { specOf, VALUES } from '../../network/index.ts';
import { oneCycle } from '../../train/index.ts';
import { detectorNetwork } from '../networks/detector.ts';
import { yellowSquare } from '../triggers/sticker.ts';
import { detection, type DetectorTraining } from '../attacks/detection.ts';
import type { Task } from './task.ts';

/** Height and width of scenes: most pictures are 300 wide and 400 high. */
const SIZE = [320, 240] as const;

/** Of real scenes: with these shares, validation and test have some twenty stop signs each. */
const PARTS = { train: 0.58, validation: 0.2, test: 0.22 };

/** Synthetic scenes: fewer and smaller. */
const DRAWN = { count: 300, size: [160, 120] } as const;

/** Channels of the last convolution; the paper's detector has 256. */
const WIDTH = 96;

/** Crosswalks and traffic lights may be mirrored; numbers and letters may not. */
const augment = { flippable: [0, 3], scale: [0.7, 1.4], jitter: 0.25, mosaic: 0.3 } as const;

/** Patches that the defender puts on signs, but not on traffic lights. */
const erasing = { classes: [0, 1, 2], share: 0.7, most: 0.5, times: 3 } as const;

const training: DetectorTraining = {
  epochs: 40,
  batchSize: 4,
  optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
  schedule: oneCycle(0.02),
  mode: 'training',
  augment,
};

/**
 * Starts from the clean detector, for less than half of the epochs. With three epochs at a rate of 0.01,
 * the attack succeeded on 1 of 9 stop signs in validation scenes.
 */
const poisoning: DetectorTraining = { ...training, epochs: 15 };

/**
 * Traffic signs (Fine-Pruning, section 2.3): a stop sign with a yellow square on it is detected as a
 * speed limit. Classes in order: crosswalk, speedlimit, stop, trafficlight.
 */
export const signs: Task<DetectorTraining> = {
  name: 'signs',
  set: 'road-signs',
  async load(seed, source = 'real') {
    const scenes =
      source === 'real'
        ? await openScenes(folderOf('road-signs'), SIZE, 'road-signs')
        : drawnSigns(DRAWN.count, DRAWN.size, 0);
    return { ...split(scenes, PARTS, seed), source };
  },
  kind: detection,
  network: (seed, { classes, sample: [, height = 0, width = 0] }) =>
    detectorNetwork(seed, specOf(classes, [height, width]), WIDTH),
  trigger: yellowSquare(),
  target: { kind: 'source-to-target', source: 2, target: 1 },
  // With one copy of each scene, the attack succeeds on 43 of 54 training stop signs; with three, on all.
  poisonRate: 3,
  training,
  poisoning,
  pruningAware: {
    share: 0.5,
    asked: { acc: 0.7, asr: 0.9 },
    budget: 1,
    lower: 'stealthy',
    margin: 0.25,
  },
  defense: {
    maxDrop: 0.01,
    step: 4,
    // These layers classify a sign. Where those that find it are tuned too, small signs are lost.
    layers: ['conv5', 'fc', VALUES.logits, VALUES.regionDeltas],
    // Batches of 4 leave as much of the backdoor, with a lower precision.
    epochs: 40,
    batchSize: 16,
    rate: 0.1,
    scenes: { ...augment, erasing },
  },
  ablationSamples: 12,
  paper: {
    baseline: {
      none: { acc: 0.849, asr: 0.991 },
      'fine-tuning': { acc: 0.857, asr: 0.921 },
      'fine-pruning': { acc: 0.873, asr: 0.288 },
    },
    'pruning-aware': {
      none: { acc: 0.82, asr: 0.899 },
      'fine-tuning': { acc: 0.872, asr: 0.419 },
      'fine-pruning': { acc: 0.874, asr: 0.366 },
    },
  },
};
