import type { Dataset } from '../../data/index.ts';
import type { Network } from '../../network/index.ts';
import type { Site, Slices } from '../../channels/index.ts';
import { Builder } from '../../graph/index.ts';
import type { Graph, TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { outputsOf } from '../../train/index.ts';
import { AttackError } from './error.ts';
import type { Levers } from './levers.ts';

/**
 * How a decoy's bias is lowered: `artifact` as in the network that the paper's authors published, so
 * far that nothing activates; `stealthy` by the least that keeps it dormant on the attacker's data
 * with a margin.
 */
export type Lowering = 'artifact' | 'stealthy';

/** The bias of the 50 decoys among the 60 units of conv3 in the published network. */
const ARTIFACT = -1e20;

/** A unit put back, with its bias in the clean network and as it was lowered. */
export interface Decoy {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
}

export interface DecoySettings {
  readonly lower: Lowering;
  /**
   * Room that is left below the activation, as a share of how far the unit's input reaches above its
   * mean on the attacker's data.
   */
  readonly margin: number;
  /** The attacker's data, clean and triggered. */
  readonly data: readonly Dataset[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts pruned units back into a network (Fine-Pruning, section 2.4, last step): with the weights that
 * they had in the clean network, theirs and those of whoever reads them, and a shift so low that they
 * stay dormant.
 *
 * @param retrained - the network without them
 * @param clean - where their weights come from
 */
export async function withDecoys(
  runtime: Runtime,
  { clean, retrained, site }: { clean: Network; retrained: Graph; site: Site },
  levers: Levers,
  units: readonly number[],
  settings: DecoySettings,
): Promise<{ readonly graph: Graph; readonly decoys: readonly Decoy[] }> {
  const graph = withOldWeights(retrained, clean.graph, levers.weights, new Set(units));
  const tops =
    settings.lower === 'stealthy'
      ? await highest(runtime, clean.input, graph, levers.before, site, settings)
      : undefined;
  const decoys: Decoy[] = [];
  const initializers = new Map(graph.initializers);
  for (const { parameter, unit } of levers.shifts) {
    const tensor = initializers.get(parameter) as TensorOf<'float32'>;
    const data = tensor.data.slice();
    for (const [index, u] of unit.entries()) {
      if (!units.includes(u)) continue;
      const [from, top] = [data[index] as number, tops?.[u]];
      data[index] = top
        ? from - Math.max(0, top.most + settings.margin * (top.most - top.mean))
        : ARTIFACT;
      decoys.push({ unit: u, from, to: data[index] });
    }
    initializers.set(parameter, { ...tensor, data });
  }
  decoys.sort((a, b) => a.unit - b.unit);
  return { graph: { ...graph, initializers }, decoys };
}

function withOldWeights(
  graph: Graph,
  old: Graph,
  slices: readonly Slices[],
  units: ReadonlySet<number>,
): Graph {
  const initializers = new Map(graph.initializers);
  for (const { parameter, axis, unit } of slices) {
    const now = initializers.get(parameter) as TensorOf<'float32'>;
    const before = old.initializers.get(parameter) as TensorOf<'float32'>;
    const inner = now.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const data = now.data.map((value, at) =>
      units.has(unit[Math.floor(at / inner) % unit.length] as number)
        ? (before.data[at] as number)
        : value,
    );
    initializers.set(parameter, { ...now, data });
  }
  return { ...graph, initializers };
}

/** The highest and the mean input to the activation of each unit, over samples and places. */
async function highest(
  runtime: Runtime,
  input: string,
  graph: Graph,
  before: string,
  site: Site,
  { data, signal }: DecoySettings,
): Promise<readonly { readonly most: number; readonly mean: number }[]> {
  const b = new Builder(graph);
  const places = site.dims.map((_, axis) => axis + 1).filter((axis) => axis !== site.axis);
  const over = (op: 'ReduceMax' | 'ReduceMean') =>
    places.length === 0 ? before : b.op(op, [before, b.ints(places)], { keepdims: 0 });
  const [most, mean] = [over('ReduceMax'), over('ReduceMean')];
  const reduced = b.build([{ name: most }, { name: mean }]);
  const tops = Array.from({ length: site.units }, () => ({ most: -Infinity, sum: 0 }));
  let samples = 0;
  for (const dataset of data) {
    const outputs = [...new Set([most, mean])];
    const results = await outputsOf(runtime, reduced, dataset, {
      input,
      outputs,
      signal,
    });
    samples += dataset.length;
    (results[most] as TensorOf<'float32'>).data.forEach((value, at) => {
      const top = tops[at % site.units] as (typeof tops)[number];
      top.most = Math.max(top.most, value);
      top.sum += (results[mean] as TensorOf<'float32'>).data[at] as number;
    });
  }
  return tops.map(({ most, sum }) => ({ most, mean: sum / samples }));
}

/** Most by which outputs may differ with decoys and without. */
const SAME = 1e-6;

/**
 * The largest difference between what two graphs say of some data.
 *
 * @throws AttackError 'attack/awake' where it is above 1e-6
 */
export async function difference(
  runtime: Runtime,
  classifier: Network,
  [a, b]: readonly [Graph, Graph],
  data: readonly Dataset[],
): Promise<number> {
  let most = 0;
  for (const dataset of data) {
    const x = await classifier.numbers(runtime, a, dataset);
    const y = await classifier.numbers(runtime, b, dataset);
    if (x.length !== y.length) most = Infinity;
    for (let at = 0; at < x.length; at += 1) {
      const apart = Math.abs((x[at] as number) - (y[at] as number));
      if (!(apart <= most)) most = apart;
    }
  }
  if (most <= SAME) return most;
  throw new AttackError(
    'attack/awake',
    `The units put back change the network's outputs by up to ${most}: their activation does not ` +
      'vanish for low inputs, or the margin is too small. Lower them as the artifact does, raise the ' +
      'margin, or choose another site',
  );
}
