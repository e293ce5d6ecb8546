import type { Dataset } from '../../data/index.ts';
import type { Network } from '../../network/index.ts';
import type { Site, Slices } from '../../channels/index.ts';
import { Builder } from '../../graph/index.ts';
import type { Graph, TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { computeOutputs } from '../../train/index.ts';
import { AttackError } from './error.ts';
import type { UnitParameters } from './unit-parameters.ts';

/**
 * How the bias of a decoy is lowered. `artifact`: to -1e20 as in the network that the authors of the
 * paper published, so that no input activates it. `stealthy`: by the least that keeps it dormant on the
 * attacker's data, with a margin.
 */
export type Lowering = 'artifact' | 'stealthy';

/** The bias of the 50 decoys among the 60 units of conv3 in the published network. */
const ARTIFACT = -1e20;

/** A pruned unit that was put back. */
export interface Decoy {
  readonly unit: number;
  /** Its bias in the clean network. */
  readonly from: number;
  /** Its lowered bias. */
  readonly to: number;
}

export interface DecoySettings {
  readonly lower: Lowering;
  /**
   * Of stealthy decoys: the distance of the unit's highest input from the activation, as a share of the
   * distance from the mean to the highest input on the attacker's data.
   */
  readonly margin: number;
  /** The attacker's data, clean and triggered. */
  readonly data: readonly Dataset[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts pruned units back into a network (Fine-Pruning, section 2.4, last step). They get the weights that
 * they and the layers that read them had in the clean network, and a shift so low that they stay dormant.
 *
 * @param networks - the clean one, the source of their weights; the retrained one, without the units
 */
export async function withDecoys(
  runtime: Runtime,
  networks: { readonly clean: Network; readonly retrained: Graph; readonly site: Site },
  parameters: UnitParameters,
  units: readonly number[],
  settings: DecoySettings,
): Promise<{ readonly graph: Graph; readonly decoys: readonly Decoy[] }> {
  const { clean, retrained, site } = networks;
  const graph = withOldWeights(retrained, clean.graph, parameters.weights, new Set(units));
  const ranges =
    settings.lower === 'stealthy'
      ? await inputRanges(runtime, clean.input, graph, parameters.preActivation, site, settings)
      : undefined;
  const decoys: Decoy[] = [];
  const initializers = new Map(graph.initializers);
  for (const { parameter, unit } of parameters.shifts) {
    const tensor = initializers.get(parameter) as TensorOf<'float32'>;
    const data = tensor.data.slice();
    for (const [index, u] of unit.entries()) {
      if (!units.includes(u)) continue;
      const [from, range] = [data[index] as number, ranges?.[u]];
      data[index] = range
        ? from - Math.max(0, range.max + settings.margin * (range.max - range.mean))
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

/** The highest and the mean input of the activation of each unit, over samples and positions. */
async function inputRanges(
  runtime: Runtime,
  input: string,
  graph: Graph,
  preActivation: string,
  site: Site,
  { data, signal }: DecoySettings,
): Promise<readonly { readonly max: number; readonly mean: number }[]> {
  const b = new Builder(graph);
  const positions = site.dims.map((_, axis) => axis + 1).filter((axis) => axis !== site.axis);
  const over = (op: 'ReduceMax' | 'ReduceMean') =>
    positions.length === 0
      ? preActivation
      : b.op(op, [preActivation, b.ints(positions)], { keepdims: 0 });
  const [max, mean] = [over('ReduceMax'), over('ReduceMean')];
  const reduced = b.build([{ name: max }, { name: mean }]);
  const ranges = Array.from({ length: site.units }, () => ({ max: -Infinity, sum: 0 }));
  let samples = 0;
  for (const dataset of data) {
    const outputs = [...new Set([max, mean])];
    const results = await computeOutputs(runtime, reduced, dataset, {
      input,
      outputs,
      signal,
    });
    samples += dataset.length;
    (results[max] as TensorOf<'float32'>).data.forEach((value, at) => {
      const range = ranges[at % site.units] as (typeof ranges)[number];
      range.max = Math.max(range.max, value);
      range.sum += (results[mean] as TensorOf<'float32'>).data[at] as number;
    });
  }
  return ranges.map(({ max, sum }) => ({ max, mean: sum / samples }));
}

/** The largest difference of outputs with decoys and without. */
const TOLERANCE = 1e-6;

/**
 * The largest difference of the outputs of two graphs on some data.
 *
 * @throws AttackError 'attack/decoys' where it is above 1e-6
 */
export async function difference(
  runtime: Runtime,
  network: Network,
  [a, b]: readonly [Graph, Graph],
  data: readonly Dataset[],
): Promise<number> {
  let largest = 0;
  for (const dataset of data) {
    const x = await network.numbers(runtime, a, dataset);
    const y = await network.numbers(runtime, b, dataset);
    if (x.length !== y.length) largest = Infinity;
    for (let at = 0; at < x.length; at += 1) {
      const distance = Math.abs((x[at] as number) - (y[at] as number));
      if (!(distance <= largest)) largest = distance;
    }
  }
  if (largest <= TOLERANCE) return largest;
  throw new AttackError(
    'attack/decoys',
    `The decoys change the network's outputs by up to ${largest}: their activation is not 0 for low ` +
      'inputs, or the margin is too small. Use --lower artifact, raise the margin, or choose another ' +
      'site',
  );
}
