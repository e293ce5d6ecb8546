import type { Dataset } from '../data/index.ts';
import { accuracy, type Rate } from '../metrics/index.ts';
import type { Graph, Node, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Classifier } from './classifier.ts';
import { predictionsAlong } from './curve.ts';
import { foldOf, masked, parameterMasks, type Fold } from './fold.ts';
import { activationProfile, ascending } from './profile.ts';
import type { Site } from './sites.ts';

export interface PruneSettings {
  /** The largest drop of validation accuracy that is allowed, as a share: 0.02 is two points. */
  readonly maxDrop: number;
  /** Units pruned between two measurements; default 1. */
  readonly step?: number;
  /** Go on past the stop to the end, for the report. */
  readonly fullCurve?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

/** One mask tried: how many units were pruned, the last of them, and the accuracy then. */
export interface CurvePoint {
  readonly pruned: number;
  readonly unit: number | null;
  readonly validation: Rate;
}

/** What pruning a site came to. */
export interface Pruning {
  readonly site: Site;
  /** Mean activation of each unit on clean validation data. */
  readonly profile: Float64Array;
  /** Units in the order of pruning. */
  readonly order: readonly number[];
  readonly curve: readonly CurvePoint[];
  /** The units of the last accepted mask, ascending. */
  readonly pruned: readonly number[];
  readonly stop: 'drop' | 'all units';
}

/**
 * The pruning defense (Fine-Pruning, section 3.1): units in ascending order of their mean activation
 * on clean validation data, one after another, as long as validation accuracy is within `maxDrop` of
 * what it was. The mask kept is the last one before the first that broke the bound. At least one unit
 * is left.
 *
 * @param validation - clean data; nothing else decides what is pruned
 */
export async function prune(
  runtime: Runtime,
  classifier: Classifier,
  site: Site,
  validation: Dataset,
  settings: PruneSettings,
): Promise<Pruning> {
  const { signal } = settings;
  const { graph, input } = classifier;
  const profile = await activationProfile(runtime, graph, input, site, validation, signal);
  const order = ascending(profile);
  const curve: CurvePoint[] = [];
  let accepted = 0;
  let broken = false;
  const points = predictionsAlong(
    runtime,
    classifier,
    site,
    validation,
    order.slice(0, -1),
    settings,
  );
  for await (const { pruned, predicted } of points) {
    const now = accuracy(predicted, validation.labels);
    curve.push({ pruned, unit: order[pruned - 1] ?? null, validation: now });
    settings.onProgress?.(pruned, order.length - 1);
    const before = curve[0] as CurvePoint;
    // Counted, since 0.98 - 0.96 is more than 0.02 in floating point.
    broken ||= (before.validation.hits - now.hits) / now.of > settings.maxDrop;
    if (!broken) accepted = pruned;
    else if (settings.fullCurve !== true) break;
  }
  return {
    site,
    profile,
    order,
    curve,
    pruned: order.slice(0, accepted).sort((a, b) => a - b),
    stop: broken ? 'drop' : 'all units',
  };
}

/** A graph with units of a site pruned, and what keeps them so through training. */
export interface Pruned {
  readonly graph: Graph;
  readonly fold: Fold;
  /** For each parameter touched, 0 where it is held at zero. */
  readonly masks: ReadonlyMap<string, TensorOf<'float32'>>;
}

/** Puts a mask into the graph: into parameters where it folds, else as a Mul after the site. */
export function applyMask(
  { graph, traced }: Classifier,
  site: Site,
  pruned: readonly number[],
): Pruned {
  const fold = foldOf(graph, traced, site);
  if (fold.into === 'mul') return { graph: withMul(graph, site, pruned), fold, masks: new Map() };
  const masks = parameterMasks(traced, fold.slices, new Set(pruned));
  const initializers = new Map(graph.initializers);
  for (const [name, mask] of masks) {
    initializers.set(name, masked(initializers.get(name) as TensorOf<'float32'>, mask));
  }
  return { graph: { ...graph, initializers }, fold, masks };
}

function withMul(graph: Graph, site: Site, pruned: readonly number[]): Graph {
  const rank = site.dims.length + 1;
  const data = new Float32Array(site.units).fill(1);
  for (const unit of pruned) data[unit] = 0;
  const mask = `${site.name}.mask`;
  const output = `${site.name}.masked`;
  const dims = Array.from({ length: rank }, (_, axis) => (axis === site.axis ? site.units : 1));
  const mul: Node = {
    op: 'Mul',
    domain: '',
    name: output,
    inputs: [site.name, mask],
    outputs: [output],
    attributes: {},
  };
  const nodes = graph.nodes.flatMap((node) => {
    const reading = {
      ...node,
      inputs: node.inputs.map((name) => (name === site.name ? output : name)),
    };
    return node.outputs.includes(site.name) ? [reading, mul] : [reading];
  });
  return {
    ...graph,
    nodes,
    initializers: new Map([...graph.initializers, [mask, { type: 'float32', dims, data }]]),
  };
}
