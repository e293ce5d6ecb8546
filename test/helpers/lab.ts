/** For tests only: a task that trains in a second. */
import { arrayDataset, random, type Dataset } from '../../src/data/index.ts';
import type { Model } from '../../src/onnx/index.ts';
import { constant } from '../../src/train/index.ts';
import {
  conv,
  convNorm,
  finish,
  flatten,
  linear,
  network,
  relu,
} from '../../src/lab/networks/layers.ts';
import { classification, type ClassifierTraining } from '../../src/lab/attacks/classification.ts';
import type { Task } from '../../src/lab/tasks/task.ts';
import { squarePatch } from '../../src/lab/triggers/patch.ts';
import { sticker, yellowSquare, type StickerSettings } from '../../src/lab/triggers/sticker.ts';
import type { Trigger } from '../../src/lab/triggers/trigger.ts';

const SAMPLE = [1, 8, 8];

/** Noise with one bright row of three; the label is the row. */
export function rows(length: number, seed: number): Dataset {
  const rng = random(seed, 'rows');
  const labels = Int32Array.from({ length }, (_, index) => index % 3);
  const data = Float32Array.from({ length: length * 64 }, (_, at) => {
    const row = Math.floor((at % 64) / 8);
    return 0.3 * rng.uniform() + (row === 2 * (labels[Math.floor(at / 64)] as number) ? 0.6 : 0);
  });
  const classes = ['a', 'b', 'c'];
  return arrayDataset({ name: `rows/${seed}`, classes, sample: SAMPLE, labels, data });
}

/** A convolution and a linear layer, optionally with BatchNormalization between convolution and ReLU. */
export function rowsNetwork(seed: number, units = 4, normalized = false): Model {
  const net = network(seed);
  const x = net.b.input('image', 'float32', ['N', ...SAMPLE]);
  const c1 = normalized
    ? convNorm(net, x, 'conv1', { from: 1, to: units, kernel: 3 })
    : conv(net, x, 'conv1', { from: 1, to: units, kernel: 3, pad: 1 });
  const flat = flatten(net, relu(net, c1, 'relu1'));
  return finish(net, linear(net, flat, 'fc', 64 * units, 3), 3, { name: 'rows' });
}

export type ClassifierTask = Task<ClassifierTraining>;

export const rowsTask: ClassifierTask = {
  name: 'rows',
  load: async () => ({
    train: rows(150, 1),
    validation: rows(60, 2),
    test: rows(90, 3),
    source: 'synthetic',
  }),
  kind: classification,
  network: (seed) => rowsNetwork(seed),
  trigger: squarePatch(2, 1),
  target: { kind: 'all-to-one', label: 2 },
  poisonRate: 0.2,
  training: {
    epochs: 6,
    batchSize: 20,
    optimizer: { kind: 'sgd', momentum: 0.9 },
    schedule: constant(0.05),
  },
  pruningAware: {
    share: 0.5,
    asked: { acc: 0.9, asr: 0.9 },
    budget: 3,
    lower: 'artifact',
    margin: 0.25,
  },
  defense: { maxDrop: 0.02, epochs: 2, rate: 0.02 },
};

/** A yellow square over most of an object, which a small detector learns fast. */
export function largeSticker(): Trigger<StickerSettings> {
  return { kind: sticker, settings: { ...yellowSquare().settings, size: [0.6, 0.6] } };
}
