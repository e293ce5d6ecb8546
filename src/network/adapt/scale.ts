import { type Dataset, PRESETS, preset, presets, rescaled, take } from '../../data/index.ts';
import { accuracy, type Rate } from '../../metrics/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { predict } from '../../train/index.ts';
import type { Network } from '../network.ts';

/** What a network makes of pictures that are scaled in one way. */
export interface ScaleTried {
  /** A preset, perhaps with the other order of channels: "imagenet, bgr". */
  readonly name: string;
  readonly accuracy: Rate;
}

/** Whether pictures are scaled as a network expects them. */
export interface ScaleCheck {
  /** Clean accuracy on a sample of the data. */
  readonly accuracy: Rate;
  /** Whether that is little more than guessing. */
  readonly nearChance: boolean;
  /** What gives clearly higher accuracy, best first. Empty where the accuracy is not low. */
  readonly better: readonly ScaleTried[];
}

const SAMPLE = 256;

/**
 * Tries a network on a sample of clean pictures, and where it does badly, tries the presets too: a
 * network fed on another scale than it was trained on says next to nothing.
 *
 * @param dataset - clean data; what this tells is for people, nothing is chosen by it
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
