import { type Dataset, PRESETS, preset, presets, rescaled, take } from '../../data/index.ts';
import { accuracy, type Rate } from '../../metrics/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { predict } from '../../train/index.ts';
import type { Network } from '../network.ts';

/** The accuracy of a network on images that are scaled in one way. */
export interface ScaleTried {
  /** A preset, perhaps with the other order of channels: "imagenet, bgr". */
  readonly name: string;
  readonly accuracy: Rate;
}

/** Whether images are scaled as a network expects. */
export interface ScaleCheck {
  /** Clean accuracy on a sample of the data. */
  readonly accuracy: Rate;
  /** Whether the accuracy is little better than chance. */
  readonly nearChance: boolean;
  /** Scalings with clearly higher accuracy, best first. Empty if the accuracy is not low. */
  readonly better: readonly ScaleTried[];
}

const SAMPLE = 256;

/**
 * Measures the accuracy of a network on a sample of clean images, and if it is low, tries other presets: a
 * network is often useless on inputs of another scale than in training.
 *
 * @param dataset - clean data; the result is only shown to the user and chooses nothing
 */
export async function checkScale(
  runtime: Runtime,
  classifier: Network,
  dataset: Dataset,
): Promise<ScaleCheck> {
  const { graph, input, scores: logits } = classifier;
  const some = dataset.length > SAMPLE ? take(dataset, SAMPLE, 0) : dataset;
  const rate = async (data: Dataset) =>
    accuracy(await predict(runtime, graph, data, { input, logits }), data.labels);
  const now = await rate(some);
  const chance = 1 / dataset.classes.length;
  const above = (now.rate - chance) / (1 - chance);
  const better: ScaleTried[] = [];
  if (above < 0.5 && some.pictures) {
    const color = some.pictures.dims[0] === 3;
    for (const name of presets) {
      for (const channels of color ? (['rgb', 'bgr'] as const) : (['rgb'] as const)) {
        const tried = await rate(rescaled(some, { ...preset(name), channels }));
        const usual = !color || PRESETS[name].channels === channels;
        if (tried.low > now.high) {
          better.push({ name: usual ? name : `${name}, ${channels}`, accuracy: tried });
        }
      }
    }
    better.sort((a, b) => b.accuracy.hits - a.accuracy.hits);
  }
  return { accuracy: now, nearChance: above < 0.2, better };
}
