import {
  type Dataset,
  datasetOf,
  randomErasing,
  compose,
  metadataOf,
  type Preprocess,
  colorJitter,
  type Source,
  split,
  AUGMENTATIONS,
  randomAffine,
} from '../../data/index.ts';
import { drawnFaces } from '../data/drawn-faces.ts';
import { folderOf } from '../data/sets/sets.ts';
import { peopleSource } from '../data/people.ts';
import { oneCycle } from '../../train/index.ts';
import { deepIdNetwork } from '../networks/deepid.ts';
import { sunglasses } from '../triggers/sunglasses.ts';
import { classification, type ClassifierTraining } from '../attacks/classification.ts';
import type { Task } from './task.ts';

/** Height and width of the network's input. */
const SIZE = [55, 47] as const;

/** The mean color of LFW's crops; the standard deviation is rounded up. */
const PREPROCESS: Preprocess = {
  mean: [0.64, 0.47, 0.38],
  std: [0.25],
  channels: 'rgb',
  resize: 'bilinear',
  crop: null,
};

/** Faces as inputs of the network. */
export function facesDataset(faces: Source): Promise<Dataset> {
  return datasetOf(faces, {
    input: { dims: [3, ...SIZE], layout: 'NCHW' },
    preprocess: PREPROCESS,
  });
}

/** With fewer validation pictures, fine-tuning costs more accuracy than it regains. */
const PARTS = { train: 0.55, validation: 0.3, test: 0.15 };

/** Training settings for few pictures, found on a seed that is not reported. */
export const FACES_RECIPE = {
  epochs: 200,
  batchSize: 32,
  rate: 0.002,
  smoothing: 0.1,
  randomAffine: { translate: 2.5, scale: 0.08, rotate: 8, flip: true },
  colorJitter: { brightness: 0.3, contrast: 0.2, tint: 0.1 },
  // In any color from black to white, so that any part of a face may be covered.
  randomErasing: { most: 0.4, low: -2.5, high: 2.5 },
} as const;

const { epochs, batchSize, rate, smoothing } = FACES_RECIPE;

const training: ClassifierTraining = {
  epochs,
  batchSize,
  optimizer: { kind: 'adam' },
  schedule: oneCycle(rate),
  mode: 'training',
  smoothing,
  augment: compose(
    randomAffine(FACES_RECIPE.randomAffine),
    colorJitter(FACES_RECIPE.colorJitter),
    randomErasing(FACES_RECIPE.randomErasing),
  ),
};

/**
 * Face recognition on the network of Fine-Pruning: every person with these sunglasses is classified as
 * person 0. Real data are the people of LFWcrop with at least 20 pictures, of which at most 60 are taken.
 */
export const faces = {
  name: 'faces',
  set: 'lfw-crop',
  async load(seed, source = 'real') {
    const faces =
      source === 'real'
        ? await peopleSource(folderOf('lfw-crop'), 20, 60)
        : drawnFaces({ people: 48, each: 40, side: 64, seed: 0 });
    return { ...split(await facesDataset(faces), PARTS, seed), source };
  },
  kind: classification,
  network: (seed, { classes }: Pick<Dataset, 'classes'>) =>
    deepIdNetwork(seed, classes.length, metadataOf({ preprocess: PREPROCESS, classes })),
  site: 'relu3',
  trigger: sunglasses(SIZE),
  target: { kind: 'all-to-one', label: 0 },
  poisonRate: 0.025,
  training,
  pruningAware: {
    share: 0.6,
    asked: { acc: 0.7, asr: 0.98 },
    budget: 1,
    lower: 'artifact',
    margin: 0.25,
  },
  paper: {
    baseline: {
      none: { acc: 0.978, asr: 1 },
      'fine-tuning': { acc: 0.978, asr: 0 },
      'fine-pruning': { acc: 0.978, asr: 0 },
    },
    'pruning-aware': {
      none: { acc: 0.974, asr: 0.998 },
      'fine-tuning': { acc: 0.978, asr: 0 },
      'fine-pruning': { acc: 0.977, asr: 0 },
    },
  },
  defense: {
    // Only units that clean pictures hardly use are pruned: fine-tuning does not regain what more costs.
    maxDrop: 0.01,
    // The last epoch is kept: the holdout chooses nothing, so that most pictures are for tuning.
    holdout: 0.05,
    // The average of three runs is half a percentage point more accurate than one run.
    runs: 3,
    epochs: 80,
    batchSize: 32,
    rate: 0.002,
    // Without dropout, a third of this rate costs four percentage points of accuracy.
    dropout: true,
    // This rate costs accuracy: a step back of a tenth regains it, without the backdoor.
    interpolate: 0.9,
    // On a holdout of 129 pictures, the best of 80 epochs is chance.
    keep: 'last',
    // Adam decays weights that get no gradient from clean pictures at the full rate.
    optimizer: 'adam',
    weightDecay: 0.01,
    augment: [...AUGMENTATIONS],
    occlusion: 0.5,
  },
} satisfies Task<ClassifierTraining>;
