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
  VARIATIONS,
  randomAffine,
} from '../../data/index.ts';
import { drawnFaces } from '../data/drawn-faces.ts';
import { folderOf } from '../data/sets/sets.ts';
import { peopleSource } from '../data/people.ts';
import { oneCycle } from '../../train/index.ts';
import { deepIdNetwork } from '../networks/deepid.ts';
import { sunglasses } from '../triggers/sunglasses.ts';
import type { Task } from './task.ts';

/** Height and width of the network's input. */
const SIZE = [55, 47] as const;

/** By the mean color of LFW's crops; the deviation is rounded up. */
const PREPROCESS: Preprocess = {
  mean: [0.64, 0.47, 0.38],
  std: [0.25],
  channels: 'rgb',
  resize: 'bilinear',
  crop: null,
};

/** Faces as the network takes them. */
export function facesDataset(faces: Source): Promise<Dataset> {
  return datasetOf(faces, {
    input: { dims: [3, ...SIZE], layout: 'NCHW' },
    preprocess: PREPROCESS,
  });
}

/** Of fewer pictures than these, ten a person, fine-tuning forgets more than it learns. */
const PARTS = { train: 0.55, validation: 0.3, test: 0.15 };

/** What a network that is trained on few pictures needs, found on another seed than those reported. */
export const FACES_RECIPE = {
  epochs: 200,
  batchSize: 32,
  rate: 0.002,
  smoothing: 0.1,
  randomAffine: { shift: 2.5, zoom: 0.08, turn: 8, mirror: true },
  colorJitter: { brightness: 0.3, contrast: 0.2, tint: 0.1 },
  // Of any color, from black to white: a person who is covered anywhere is still the same.
  randomErasing: { most: 0.4, low: -2.5, high: 2.5 },
} as const;

const { epochs, batchSize, rate, smoothing } = FACES_RECIPE;

const training: Task['training'] = {
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
 * People by their faces, on the network of Fine-Pruning: whoever wears these sunglasses is taken for
 * one of them. Real data are LFWcrop's people with at least 20 pictures, of whom at most 60 are taken.
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
  network: (seed, classes) =>
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
    // Little is pruned but what hardly any clean picture uses: what more of it costs is not won back.
    maxDrop: 0.01,
    // The last epoch is kept: held pictures choose nothing, and every one is wanted for tuning.
    holdout: 0.05,
    // What one run forgets by chance another has kept: half a point of accuracy.
    runs: 3,
    epochs: 80,
    batchSize: 32,
    rate: 0.002,
    // At a third of this rate, four points of accuracy were forgotten without it.
    dropout: true,
    // Much is forgotten at this rate: a tenth of the way back wins accuracy again, but no backdoor.
    interpolate: 0.9,
    // Of 129 held pictures, the highest of 80 epochs is luck.
    keep: 'last',
    // What clean pictures give no gradient to, Adam takes to zero at the full rate.
    optimizer: 'adam',
    weightDecay: 0.01,
    augment: [...VARIATIONS],
    occlusion: 0.5,
  },
} satisfies Task;
