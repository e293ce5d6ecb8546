import * as z from 'zod';
import {
  applyMask,
  type Convolution,
  convolutionsOf,
  type Fold,
  mergeMasks,
  spectralNorm,
} from '../../channels/index.ts';
import { scoreDrop } from '../../metrics/index.ts';
import { mergeEdits } from '../../network/index.ts';
import type { Graph } from '../../onnx/index.ts';
import type { Defense, DefenseContext, Repaired } from '../defense.ts';
import type { PrunedUnits, Step } from '../steps.ts';

export const clpSettings = z.strictObject({
  u: z.number().min(0).default(3).meta({
    description: 'prune channels so many standard deviations above the mean bound of their layer',
  }),
});

export type ClpSettings = z.output<typeof clpSettings>;

/** What was pruned of a layer, and why. */
export interface PrunedChannels {
  /** The convolution. */
  readonly layer: string;
  /** Lipschitz bound of each channel. */
  readonly bounds: readonly number[];
  /** Bounds above it are outliers. */
  readonly threshold: number;
  /** Channels above it, ascending. */
  readonly outliers: readonly number[];
  /** Where their mask went; absent where there is none. */
  readonly mask?: Fold['into'] | undefined;
}

/** Channels pruned by a bound of each, layer by layer. */
export type PrunedChannelsStep = Step<
  'pruned-channels',
  { readonly layers: readonly PrunedChannels[] }
>;

/**
 * Channel Lipschitzness based pruning. A trigger is small and changes the activations of some channels a
 * lot, so their Lipschitz bounds are outliers in their layer. The bound of a channel is the spectral norm
 * of the weights that make it, [inputs, places], times the factor of the BatchNormalization that follows.
 * It needs no data; where clean accuracy falls further than allowed, nothing is pruned.
 *
 * A layer of n channels has no outlier where u is above (n - 1) / √n: with the default, up to 10 channels.
 */
export const clp: Defense<ClpSettings> = {
  name: 'clp',
  description: 'prune channels that amplify more than the others of their layer; needs no data',
  source:
    'Zheng, Tang, Li, Liu: Data-free Backdoor Removal based on Channel Lipschitzness, ECCV 2022, section 4',
  settings: clpSettings,
  async run(context, from, { u }) {
    const started = performance.now();
    const pruned = withoutOutliers(context, from, u);
    const { layers } = pruned;
    const all = layers.reduce((sum, { bounds }) => sum + bounds.length, 0);
    const count = layers.reduce((sum, { outliers }) => sum + outliers.length, 0);
    const failed =
      count === 0
        ? 'no channel has an outlying Lipschitz bound, so nothing was pruned'
        : await tooCostly(context, pruned.network.graph, count);
    const step: PrunedChannelsStep = {
      kind: 'pruned-channels',
      by: 'clp',
      summary:
        failed ?? `pruned ${count} of ${all} channels, those with an outlying Lipschitz bound`,
      failed,
      seconds: (performance.now() - started) / 1000,
      ...(failed === undefined && { pruned: pruned.units }),
      data: { layers },
    };
    const { network, masks, edits } = failed === undefined ? pruned : from;
    return { network, masks, edits, steps: [...from.steps, step] };
  },
};

/** The network with the outliers of each convolution pruned. */
function withoutOutliers(
  context: DefenseContext,
  { network, masks, edits }: Repaired,
  u: number,
): Omit<Repaired, 'steps'> & {
  readonly layers: readonly PrunedChannels[];
  readonly units: readonly PrunedUnits[];
} {
  const convolutions = convolutionsOf(network.traced, network.scores);
  const units: PrunedUnits[] = [];
  let state = { graph: network.graph, masks, edits };
  const layers = convolutions.map((convolution, index): PrunedChannels => {
    context.signal?.throwIfAborted();
    context.progress('bound channels', index, convolutions.length);
    const bounds = lipschitzBounds(convolution);
    const { threshold, outliers } = outliersOf(bounds, u);
    const layer = { layer: convolution.name, bounds: [...bounds], threshold, outliers };
    if (outliers.length === 0) return layer;
    const { site } = convolution;
    units.push({ site: site.name, axis: site.axis, of: site.units, units: outliers });
    const applied = applyMask({ ...network, graph: state.graph }, site, outliers);
    state = {
      graph: applied.graph,
      masks: mergeMasks(state.masks, applied.masks),
      edits: mergeEdits(state.edits, applied.edits),
    };
    return { ...layer, mask: applied.fold.into };
  });
  context.progress('bound channels', convolutions.length, convolutions.length);
  const { graph, ...others } = state;
  return { network: { ...network, graph }, ...others, layers, units };
}

/** Why channels are kept after all: without them clean accuracy falls further than allowed. */
async function tooCostly(
  context: DefenseContext,
  graph: Graph,
  count: number,
): Promise<string | undefined> {
  const lost = scoreDrop(await context.score(context.given.graph), await context.score(graph));
  if (lost <= context.maxDrop) return undefined;
  const points = (100 * lost).toFixed(1);
  return `without the ${count} channels that have an outlying Lipschitz bound, clean accuracy is ${points} points lower, so none was pruned`;
}

/** The Lipschitz bound of each channel of a convolution. */
export function lipschitzBounds({
  filters: { weights, inputs, places },
  scales,
}: Pick<Convolution, 'filters' | 'scales'>): Float64Array {
  const size = inputs * places;
  const data = Float64Array.from(weights.data as Float32Array);
  return Float64Array.from(scales, (scale, unit) => {
    const own = data.subarray(unit * size, (unit + 1) * size);
    return Math.abs(scale) * spectralNorm(own, inputs, places);
  });
}

/** Channels above `u` standard deviations (of a sample, as the authors' code has it) over the mean. */
export function outliersOf(
  bounds: Float64Array,
  u: number,
): { readonly threshold: number; readonly outliers: number[] } {
  const mean = bounds.reduce((sum, bound) => sum + bound, 0) / bounds.length;
  const square = bounds.reduce((sum, bound) => sum + (bound - mean) ** 2, 0);
  const threshold = mean + u * Math.sqrt(square / Math.max(1, bounds.length - 1));
  return {
    threshold,
    outliers: [...bounds.keys()].filter((at) => (bounds[at] as number) > threshold),
  };
}
