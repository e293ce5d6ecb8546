import { type Dataset, readData, split, take } from '../../data/index.ts';
import { fashionMnist } from '../data/fashion-mnist.ts';
import { mnist } from '../data/mnist.ts';
import { folderOf } from '../data/sets/sets.ts';
import type { BenchmarkSet } from './cases.ts';

/** Samples of each part: networks train in a minute, and a scan has what a user has. */
const SIZES = { train: 12_000, validation: 1000, test: 2000 };

export interface BenchmarkData {
  /** The attacker's. */
  readonly train: Dataset;
  /** What the scan has. */
  readonly validation: Dataset;
  /** Measures accuracy and attack success. */
  readonly test: Dataset;
}

/**
 * The data of a case; no sample is in two parts.
 *
 * @throws DataError `data/missing` where CIFAR-10 is not there
 */
export async function benchmarkData(set: BenchmarkSet, seed: number): Promise<BenchmarkData> {
  const { train: all, test } = await wholeOf(set);
  const some = take(all, SIZES.train + SIZES.validation, seed);
  const parts = split(some, { train: SIZES.train, validation: SIZES.validation }, seed);
  return { ...parts, test: take(test, SIZES.test, seed) };
}

/** Read once for all cases. */
const read = new Map<BenchmarkSet, Promise<{ train: Dataset; test: Dataset }>>();

function wholeOf(set: BenchmarkSet): Promise<{ train: Dataset; test: Dataset }> {
  const before = read.get(set);
  if (before) return before;
  const sets = { mnist, 'fashion-mnist': fashionMnist, cifar10 };
  const whole = sets[set]();
  read.set(set, whole);
  return whole;
}

/** CIFAR-10 (Krizhevsky 2009) out of a folder for each class: samples [3, 32, 32] in 0 to 1. */
async function cifar10(): Promise<{ train: Dataset; test: Dataset }> {
  const { parts } = await readData(folderOf('cifar10'), {
    input: { dims: [3, 32, 32], layout: 'NCHW' },
  });
  const { train, test } = parts;
  if (!train || !test) throw new Error('CIFAR-10 has no train or test part');
  return { train, test };
}
