import type { Augment, Dataset } from '../../../data/index.ts';
import type { Graph, TensorOf } from '../../../onnx/index.ts';
import type { Runtime } from '../../../runtime/index.ts';
import {
  type GradientMagnitudes,
  gradientMagnitudes,
  type LossSettings,
  type OptimizerSettings,
  rangeTest,
  trainingStep,
  type UpdateSettings,
} from '../../../train/index.ts';
import type { Network } from '../../../network/index.ts';
import { masked } from '../../../channels/index.ts';

/** A learning rate that was found, and how. */
export interface FoundRate {
  /** Share of its own length by which the first step moves every tensor. */
  readonly rate: number;
  /** Rate of a step at which the loss began to rise. */
  readonly edge: number;
  /** Each tensor's own rate, as a multiple of the common one. */
  readonly scales: ReadonlyMap<string, number>;
  /** Smoothed loss at each rate tried. */
  readonly trail: readonly { readonly rate: number; readonly loss: number }[];
}

export interface RateSettings
  extends Pick<LossSettings, 'mode' | 'smoothing'>, Pick<UpdateSettings, 'sharpness'> {
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  readonly seed: number;
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** Batches that gradients are measured on. */
const BATCHES = 20;
/** Where the range test begins and gives up. */
const RANGE = { minRate: 1e-5, maxRate: 1 };
/**
 * What is made of the edge, measured on networks with and without BatchNormalization, on inputs of
 * 0-1 and of 0-255 (docs/fine-tuning.md). The edge is a rough measure, and rates that suit networks
 * lie closer together than their edges: halfway, in logarithms, to `usual`; at most `share` of it,
 * and at most `most`.
 */
const CHOICE = {
  sgd: { share: 0.75, usual: 0.0015, most: 0.005 },
  adam: { share: 0.25, usual: Infinity, most: 0.02 },
} as const;

/**
 * Finds a learning rate for a network nobody knows: in units in which networks are alike, as high as
 * it stays stable.
 *
 * First the units. A tensor's own rate is its length over that of its gradient (as LARS has it: You,
 * Gitman, Ginsburg 2017), measured once and kept: a common rate η then moves every tensor by the
 * share η of itself. That makes the scale of inputs and of weights nothing to the rate: a first layer
 * that takes 0-255 with weights 255 times smaller trains as one that takes 0-1. For Adam, whose
 * steps have a size of their own, it is the tensor's root mean square (Adafactor: Shazeer & Stern
 * 2018). Then a range test finds where the loss begins to rise, and a fixed share of that is taken.
 *
 * @param graph - the network to be trained, pruned or not
 * @param loss - what it begins with, see `gradientMagnitudes`
 */
export async function findRate(
  runtime: Runtime,
  { input, scores: logits, parameters }: Network,
  graph: Graph,
  masks: ReadonlyMap<string, TensorOf<'float32'>>,
  tune: Dataset,
  start: { readonly loss: number; readonly sizes: ReadonlyMap<string, GradientMagnitudes> },
  settings: RateSettings,
): Promise<FoundRate> {
  const { optimizer, batchSize, seed, augment, signal, onProgress } = settings;
  const { mode, smoothing, sharpness } = settings;
  const tensors = new Map(
    parameters.map((name) => [name, graph.initializers.get(name) as TensorOf<'float32'>]),
  );
  const scales = scalesOf(tensors, masks, start.sizes, optimizer.kind);
  const step = await trainingStep(runtime, graph, {
    input,
    logits,
    parameters,
    masks,
    scales,
    optimizer,
    batchSize,
    sample: tune.sample,
    classes: tune.classes.length,
    seed,
    mode,
    smoothing,
    sharpness,
  });
  try {
    const { limit, curve } = await rangeTest(step, tune, {
      ...RANGE,
      batchSize,
      seed,
      initialLoss: start.loss,
      augment,
      signal,
      onStep: onProgress,
    });
    const { share, usual, most } = CHOICE[optimizer.kind];
    const rate = Math.min(share * limit, Math.sqrt(usual * limit), most);
    return { rate, edge: limit, scales, trail: curve };
  } finally {
    await step.dispose();
  }
}

/** Loss and gradients before training, on some of the data. */
export function measureStart(
  runtime: Runtime,
  { input, scores: logits, parameters }: Network,
  graph: Graph,
  tune: Dataset,
  { batchSize, seed, mode, smoothing, augment, signal }: RateSettings,
) {
  return gradientMagnitudes(runtime, graph, tune, {
    input,
    logits,
    parameters,
    batchSize,
    seed,
    batches: BATCHES,
    mode,
    smoothing,
    augment,
    signal,
  });
}

/**
 * Each tensor's length over its gradient's (or over the root of its number of elements, for Adam),
 * over the elements that have a gradient: a bias of -1e20, which no input wakes, says nothing of the
 * others. A tensor that is all zero, or has no gradient, gets the middle one of the others.
 */
export function scalesOf(
  tensors: ReadonlyMap<string, TensorOf<'float32'>>,
  masks: ReadonlyMap<string, TensorOf<'float32'>>,
  sizes: ReadonlyMap<string, GradientMagnitudes>,
  kind: OptimizerSettings['kind'],
): Map<string, number> {
  const own = new Map<string, number>();
  for (const [name, tensor] of tensors) {
    const { square } = sizes.get(name) as GradientMagnitudes;
    const mask = masks.get(name);
    const free = mask ? masked(ones(tensor), mask).data : undefined;
    let [weight, gradient, count] = [0, 0, 0];
    tensor.data.forEach((value, at) => {
      const g = square[at] as number;
      if (g === 0 || free?.[at] === 0) return;
      weight += value * value;
      gradient += g;
      count += 1;
    });
    const scale = Math.sqrt(weight / (kind === 'adam' ? count : gradient));
    if (Number.isFinite(scale) && scale > 0) own.set(name, scale);
  }
  const sorted = [...own.values()].toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1] ?? 1;
  return new Map([...tensors.keys()].map((name) => [name, own.get(name) ?? middle]));
}

function ones(tensor: TensorOf<'float32'>): TensorOf<'float32'> {
  return { ...tensor, data: new Float32Array(tensor.data.length).fill(1) };
}
