import { type Augment, batches, type Dataset, epochOrder, random } from '../data/index.ts';
import type { TrainingStep } from './step.ts';

export interface RangeSettings {
  readonly batchSize: number;
  /** The rate of the first step, and that at which the test gives up. */
  readonly from: number;
  readonly to: number;
  /** Mean loss before the first step. */
  readonly start: number;
  readonly seed: number;
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, all: number) => void) | undefined;
}

export interface RangeTest {
  /** The rate at which the loss began to rise; `to` where it did not. */
  readonly edge: number;
  /** The loss of each step, before its update, smoothed. */
  readonly trail: readonly { readonly rate: number; readonly loss: number }[];
}

/** Steps while the rate grows tenfold. */
const PER_DECADE = 24;
/** Share of the last batch in the smoothed loss. */
const NEWEST = 0.15;
/** By how much the smoothed loss rises before it counts: by itself, or as a share of the lowest. */
const RISE = { least: 0.1, share: 1 / 3 };

/**
 * Learning-rate range test (Smith 2017, section 3.3): trains with a rate that grows from step to
 * step, until the smoothed loss has clearly risen above its lowest. Where it blows up altogether
 * comes later, and is a matter of chance: it differs by a factor of two or three from one order of
 * the samples to another. The state of the step is left as it comes: a caller who goes on with it
 * resets it.
 */
export async function rangeTest(
  step: TrainingStep,
  dataset: Dataset,
  settings: RangeSettings,
): Promise<RangeTest> {
  const { batchSize, from, to, start, seed, signal } = settings;
  const all = Math.ceil(PER_DECADE * Math.log10(to / from));
  const trail: { rate: number; loss: number }[] = [];
  const draw = random(seed, 'range');
  let [smooth, lowest] = [start, start];
  for (let epoch = 1; ; epoch += 1) {
    const order = epochOrder(dataset.length, seed, epoch);
    for await (const batch of batches(dataset, { batchSize, order })) {
      signal?.throwIfAborted();
      const rate = from * 10 ** (trail.length / PER_DECADE);
      settings.augment?.(batch.x, dataset.sample, draw);
      const { loss } = await step.run(batch, rate);
      smooth += NEWEST * (loss - smooth);
      // Written so that NaN has risen too.
      const risen = !(smooth <= lowest + Math.max(RISE.least, RISE.share * lowest));
      lowest = Math.min(lowest, smooth);
      if (!risen) trail.push({ rate, loss: smooth });
      settings.onStep?.(risen ? all : trail.length, all);
      if (risen || trail.length >= all) return { edge: risen ? rate : to, trail };
    }
  }
}
