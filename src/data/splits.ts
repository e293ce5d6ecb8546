import { subset, type Dataset } from './dataset.ts';
import { DataError } from './error.ts';
import { random, type Random } from './random.ts';

/**
 * The size of each part by name: below 1 a share of the data, from 1 on a number of samples. To take all
 * of the data, give its length.
 */
export type Parts<K extends string> = Readonly<Record<K, number>>;

export interface SplitOptions {
  /** Whether each part has the same class frequencies as the whole, up to about one sample. Default true. */
  readonly stratified?: boolean | undefined;
}

/**
 * Splits a data set into disjoint parts, named `<data set>/<part>`. Samples that no part asks for are in
 * none; shares that add up to 1 use all. The same seed gives the same split.
 *
 * @throws DataError `data/split` if the parts ask for more samples than there are.
 */
export function split<K extends string>(
  dataset: Dataset,
  parts: Parts<K>,
  seed: number,
  options: SplitOptions = {},
): Record<K, Dataset> {
  const indices = splitIndices(dataset.labels, parts, seed, options);
  const made = Object.entries<Uint32Array>(indices).map(([part, chosen]) => [
    part,
    subset(dataset, chosen, `${dataset.name}/${part}`),
  ]);
  return Object.fromEntries(made) as Record<K, Dataset>;
}

/** Like `split`, but from labels alone. Returns the ascending indices of each part. */
export function splitIndices<K extends string>(
  labels: ArrayLike<number>,
  parts: Parts<K>,
  seed: number,
  { stratified = true }: SplitOptions = {},
): Record<K, Uint32Array> {
  const sizes = sizesOf(parts, labels.length);
  const draw = random(seed, 'split');
  const left = groups(labels, stratified).map((group) => draw.shuffle(group));
  const made = sizes.map(([part, size]): [string, Uint32Array] => {
    const counts = apportion(
      size,
      left.map(({ length }) => length),
      draw,
    );
    const chosen = left.flatMap((group, i) => group.splice(0, counts[i]));
    return [part, Uint32Array.from(chosen).sort()];
  });
  return Object.fromEntries(made) as Record<K, Uint32Array>;
}

/** A stratified random sample of `n` samples. */
export function take(dataset: Dataset, n: number, seed: number): Dataset {
  return subset(dataset, splitIndices(dataset.labels, { taken: n }, seed).taken);
}

/** Sizes of the parts in samples. Rounding the running sum of shares makes shares that add up to 1 use all. */
function sizesOf(parts: Parts<string>, length: number): [string, number][] {
  const wanted = Object.entries(parts);
  for (const [part, size] of wanted) {
    if (!(size >= 0) || (size >= 1 && !Number.isInteger(size))) {
      throw new DataError(
        'data/split',
        `part ${part}: ${size} is neither a share below 1 nor a whole number of samples`,
      );
    }
  }
  let share = 0;
  const sizes = wanted.map(([part, size]): [string, number] => {
    if (size >= 1) return [part, size];
    const from = nearest(share * length);
    share += size;
    return [part, nearest(share * length) - from];
  });
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (total > length) {
    const list = wanted.map(([part, size]) => `${part} ${size}`).join(', ');
    throw new DataError(
      'data/split',
      `the parts (${list}) ask for ${total} samples, but there are ${length}: ask for less`,
    );
  }
  return sizes;
}

/** Rounds; the small offset makes up for sums such as 0.1 + 0.2 + 0.7, which is just below 1. */
const nearest = (value: number): number => Math.round(value + 1e-9);

function groups(labels: ArrayLike<number>, stratified: boolean): number[][] {
  const byLabel = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const label = stratified ? (labels[i] as number) : 0;
    const group = byLabel.get(label);
    if (group) group.push(i);
    else byLabel.set(label, [i]);
  }
  return [...byLabel].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/**
 * Apportions `size` to groups by the largest remainder method: each gets its exact share, up to one sample,
 * and never more than it has. Ties are broken at random.
 */
function apportion(size: number, available: readonly number[], draw: Random): number[] {
  const total = available.reduce((sum, count) => sum + count, 0);
  if (total === 0) return available.map(() => 0);
  // Integer remainders are exact, so that ties are found.
  const counts = available.map((count) => Math.floor((count * size) / total));
  const remainders = available.map((count, i) => count * size - (counts[i] as number) * total);
  const order = draw
    .shuffle(available.map((_, i) => i))
    .sort((a, b) => (remainders[b] as number) - (remainders[a] as number));
  const over = size - counts.reduce((sum, count) => sum + count, 0);
  for (const i of order.slice(0, over)) counts[i] = (counts[i] as number) + 1;
  return counts;
}
