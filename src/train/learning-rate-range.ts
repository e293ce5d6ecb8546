import { type Augment, batches, type Dataset, epochOrder, random } from '../data/index.ts';
import { checkSettings } from './check.ts';
import type { TrainingStep } from './step.ts';

export interface RangeSettings {
  readonly batchSize: number;
  /** Learning rate of the first step. */
  readonly minRate: number;
  /** Learning rate at which the test stops. */
  readonly maxRate: number;
  /** Mean loss before the first step. */
  readonly initialLoss: number;
  readonly seed: number;
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, all: number) => void) | undefined;
}

export interface RangeTest {
  /** The learning rate at which the loss began to rise; `maxRate` where it did not. */
  readonly limit: number;
  /** Learning rate and smoothed loss of each step; the loss is that before the step's update. */
  readonly curve: readonly { readonly rate: number; readonly loss: number }[];
}

/** Steps in which the learning rate grows tenfold. */
const STEPS_PER_DECADE = 24;
/** Weight of the newest batch in the smoothed loss (an exponential moving average). */
const SMOOTHING = 0.15;
/** The loss rises when it exceeds its minimum by `absolute`, or by this share of the minimum. */
const RISE = { absolute: 0.1, share: 1 / 3 };

/**
 * Learning-rate range test (Smith 2017, section 3.3): trains with a learning rate that grows from step
 * to step, until the smoothed loss clearly exceeds its minimum.
 *
 * The test does not wait for divergence: the rate of divergence varies by a factor of two or three with
 * the order of the samples. The test leaves the step in the state that it reached. A caller who
 * continues with the step resets it.
 */
export async function rangeTest(
  step: TrainingStep,
  dataset: Dataset,
  settings: RangeSettings,
): Promise<RangeTest> {
  checkSettings(settings);
  const { batchSize, minRate, maxRate, initialLoss, seed, signal } = settings;
  const all = Math.ceil(STEPS_PER_DECADE * Math.log10(maxRate / minRate));
  const curve: { rate: number; loss: number }[] = [];
  const draw = random(seed, 'range');
  let [smooth, lowest] = [initialLoss, initialLoss];
  for (let epoch = 1; ; epoch += 1) {
    const order = epochOrder(dataset.length, seed, epoch);
    for await (const batch of batches(dataset, { batchSize, order })) {
      signal?.throwIfAborted();
      const rate = minRate * 10 ** (curve.length / STEPS_PER_DECADE);
      settings.augment?.(batch.x, dataset.sample, draw);
      const { loss } = await step.run(batch, rate);
      smooth += SMOOTHING * (loss - smooth);
      // The negation makes NaN count as risen.
      const risen = !(smooth <= lowest + Math.max(RISE.absolute, RISE.share * lowest));
      lowest = Math.min(lowest, smooth);
      if (!risen) curve.push({ rate, loss: smooth });
      settings.onStep?.(risen ? all : curve.length, all);
      if (risen || curve.length >= all) return { limit: risen ? rate : maxRate, curve };
    }
  }
}
