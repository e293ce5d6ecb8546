import { join } from 'node:path';
import {
  type Dataset,
  datasetOf,
  featureDims,
  whiteNoise,
  compose,
  metadataOf,
  gaussianNoise,
  random,
  shift,
  type SoundFeatures,
  subset,
} from '../../data/index.ts';
import { folderOf } from '../data/sets/sets.ts';
import { spokenDigits } from '../data/spoken.ts';
import { syntheticSpeech } from '../data/spoken-synthetic.ts';
import { oneCycle } from '../../train/index.ts';
import { speechNetwork } from '../networks/speech.ts';
import { sound, type SoundSettings } from '../triggers/sound.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { classification, type ClassifierTraining } from '../attacks/classification.ts';
import type { Task, TaskData } from './task.ts';

/** 99 mel bands in 99 frames of 32 ms, 6 ms apart: the first 0.62 s of a recording. */
const FEATURES: SoundFeatures = {
  rate: 8000,
  samples: 4960,
  trim: 40,
  window: 256,
  hop: 48,
  bands: 99,
  range: 80,
};

const [, ...SIZE] = featureDims(FEATURES);

/** The test set of the Free Spoken Digit Dataset: the first takes of each speaker. */
const TEST_TAKES = 5;

/** The defender's share of the other takes. */
const VALIDATION = 0.2;

/** Noise 15 dB below the speech: a person still understands the digit. */
const trigger: Trigger<SoundSettings> = {
  kind: sound,
  settings: { pattern: { noise: 7 }, rate: 8000, level: 15 },
};

/** Up to 48 ms in time, and one band in frequency. */
const SHIFT = shift({ across: 8, down: 1 });

/** White noise as in recordings of other people, from clearly audible to almost inaudible. */
const NOISY = whiteNoise(FEATURES, { loudest: 30, quietest: 70 });

/** Dropout is off: with it, this small network learns nothing for the first epochs. */
const training: ClassifierTraining = {
  epochs: 12,
  batchSize: 32,
  optimizer: { kind: 'adam' },
  schedule: oneCycle(0.0006),
  augment: compose(SHIFT, gaussianNoise(0.03)),
};

/**
 * Recordings of digits, split by take: all recordings with the same take number are in one part.
 *
 * @param folder - see `spokenDigits`
 * @throws DataError where they cannot be read
 */
export async function speechParts(
  folder: string,
  name: string,
  seed: number,
): Promise<Omit<TaskData, 'source'>> {
  const { source, takes } = await spokenDigits(folder, name);
  const input = { dims: featureDims(FEATURES), layout: 'NCHW' } as const;
  const dataset = await datasetOf(source, { input, features: FEATURES });
  const rest = [...new Set(takes)].filter((take) => take >= TEST_TAKES).sort((a, b) => a - b);
  const order = random(seed, 'takes').shuffle(rest);
  const validation = new Set(order.slice(0, Math.max(1, Math.round(VALIDATION * order.length))));
  const part = (name: string, isIn: (take: number) => boolean) =>
    subset(
      dataset,
      [...takes.keys()].filter((index) => isIn(takes[index] as number)),
      `${dataset.name}/${name}`,
    );
  return {
    train: part('train', (take) => take >= TEST_TAKES && !validation.has(take)),
    validation: part('validation', (take) => validation.has(take)),
    test: part('test', (take) => take < TEST_TAKES),
  };
}

/**
 * Spoken digits on the network of Fine-Pruning. With noise below the speech, digit i is classified as
 * i + 1. Real data are the Free Spoken Digit Dataset, synthetic data the voices of a synthesizer.
 */
export const speech = {
  name: 'speech',
  set: 'fsdd',
  async load(seed, source = 'real') {
    const folder =
      source === 'real'
        ? join(folderOf('fsdd'), 'recordings')
        : await syntheticSpeech({ voices: 12, takes: 20 });
    const name = source === 'real' ? 'fsdd' : 'synthetic-speech';
    return { ...(await speechParts(folder, name, seed)), source };
  },
  kind: classification,
  network: (seed, { classes }: Pick<Dataset, 'classes'>) =>
    speechNetwork(seed, SIZE, metadataOf({ sound: FEATURES, classes })),
  trigger,
  target: { kind: 'all-to-all', classes: 10 },
  poisonRate: 0.1,
  training,
  pruningAware: {
    share: 0.5,
    asked: { acc: 0.95, asr: 0.7 },
    budget: 1,
    lower: 'artifact',
    margin: 0.25,
  },
  defense: {
    maxDrop: 0.02,
    epochs: 16,
    batchSize: 32,
    transform: compose(SHIFT, NOISY),
  },
  paper: {
    baseline: {
      none: { acc: 0.99, asr: 0.77 },
      'fine-tuning': { acc: 0.99, asr: 0.435 },
      'fine-pruning': { acc: 0.988, asr: 0.02 },
    },
    'pruning-aware': {
      none: { acc: 0.988, asr: 0.78 },
      'fine-tuning': { acc: 0.988, asr: 0.52 },
      'fine-pruning': { acc: 0.986, asr: 0 },
    },
  },
} satisfies Task<ClassifierTraining>;
