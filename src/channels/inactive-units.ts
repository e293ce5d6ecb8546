import { producers, type Traced } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { activationOf, boundsOf, boundsWithin, type Bounds } from '../ops/index.ts';
import type { ValueAxis, UnitStatistics } from './statistics.ts';
import { dimsOf, knownOf, type Site } from './sites.ts';

/** Units that clean inputs do not use, each list ascending; a unit may be in two of them. */
export interface InactiveUnits {
  /** The same value at every position of every clean input: they carry no information. */
  readonly dead: readonly number[];
  /** Not dead, but with (almost) no activation on clean inputs. */
  readonly dormant: readonly number[];
  /**
   * Cannot activate, whatever the input: the bias is so low that the weights cannot outweigh it. An
   * ordinary network has few such units, if any. The pruning-aware attack makes them, as decoys.
   */
  readonly possibleDecoys: readonly number[];
}

/** A unit is dormant if its mean absolute activation is at most this share of the median unit's. */
export const DORMANT = 0.01;

/** Finds dead and dormant units by their activations on clean data. */
export function inactiveUnits(
  units: UnitStatistics,
  possibleDecoys: readonly number[] = [],
): InactiveUnits {
  const all = [...units.mean.keys()];
  const dead = all.filter((unit) => units.max[unit] === units.min[unit]);
  const alive = all.filter((unit) => units.max[unit] !== units.min[unit]);
  const activity = (unit: number) => units['mean-absolute'][unit] as number;
  const sorted = alive.map(activity).toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  return {
    dead,
    dormant: alive.filter((unit) => activity(unit) <= DORMANT * median),
    possibleDecoys,
  };
}

/**
 * The bound of a layer's inputs, either way, where there are no data to measure it. A unit whose bias is
 * not outweighed even by this value at every weight is not activated by any input.
 */
const LARGEST = 1000;

/** The values whose bounds decide whether a site's units can activate. */
export function boundsNeeded(traced: Traced, site: Site): ValueAxis[] {
  const needed = new Map<string, ValueAxis>();
  unreachable(traced, site, (along) => {
    needed.set(`${along.axis} ${along.value}`, along);
    return symmetricBounds(LARGEST, traced, along);
  });
  return [...needed.values()];
}

/**
 * Units of a site that cannot activate: the largest pre-activation that the layer can give is below the
 * threshold under which the activation function is constant.
 *
 * @param seen - bounds of the values that `boundsNeeded` names; default: a thousand either way
 */
export function unreachable(
  traced: Traced,
  site: Site,
  seen: (along: ValueAxis) => Bounds = (along) => symmetricBounds(LARGEST, traced, along),
): number[] {
  const made = producers(traced.graph);
  const dims = dimsOf(traced);
  const known = knownOf(traced);
  const { initializers } = traced.graph;
  let layers = 0;
  const boundsAt = (value: string, axis: number): Bounds => {
    const constant = initializers.get(value);
    if (constant) return boundsWithin(constant, axis);
    const node = made.get(value);
    const computed = node && boundsOf(node, axis, { dims, known, ...of(node.inputs) });
    return computed ?? seen({ value, axis, rank: dims(value).length });
  };
  const of = (inputs: readonly string[]) => ({
    of: (index: number, axis: number) => boundsAt(inputs[index] as string, axis),
    seen: (index: number, axis: number) => {
      layers += 1;
      const value = inputs[index] as string;
      return seen({ value, axis, rank: dims(value).length });
    },
  });
  const activation = activationOfSite(site, made);
  const rest = activation && activationOf(activation)?.rest(activation, known);
  if (!activation || rest === undefined) return [];
  const { high } = boundsAt(activation.inputs[0] as string, site.axis);
  // Without a layer on the way, the bounds are only those of the data, not of all possible inputs.
  if (layers === 0) return [];
  return [...high.keys()].filter((unit) => (high[unit] as number) < rest);
}

/** The node that gives a site its name; for a product such as x σ(x), the factor. */
function activationOfSite(site: Site, made: ReadonlyMap<string, Node>): Node | undefined {
  let nodes = [made.get(site.name)];
  // (1 + erf(x / √2)) lies two nodes below the product.
  for (let depth = 0; depth < 5; depth += 1) {
    const found = nodes.find((node) => node?.op === site.activation);
    if (found) return found;
    nodes = nodes.flatMap((node) => (node?.inputs ?? []).map((input) => made.get(input)));
  }
  return undefined;
}

function symmetricBounds(limit: number, traced: Traced, { value, axis }: ValueAxis): Bounds {
  const size = dimsOf(traced)(value)[axis] ?? 1;
  return {
    low: new Float64Array(size).fill(-limit),
    high: new Float64Array(size).fill(limit),
  };
}
