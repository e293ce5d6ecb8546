import { producers, type Traced } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { activationOf, boundsOf, boundsWithin, type Bounds } from '../ops/index.ts';
import type { Along, UnitStatistics } from './statistics.ts';
import { dimsOf, knownOf, type Site } from './sites.ts';

/** Units that clean inputs do not use, each list ascending; a unit may be in two of them. */
export interface InactiveUnits {
  /** The same at every place of every clean input: nothing can be told from them. */
  readonly dead: readonly number[];
  /** Not dead, but with (almost) no activation on clean inputs. */
  readonly dormant: readonly number[];
  /**
   * Cannot activate, whatever the input: their bias lies below anything that their weights can
   * reach. A network that was trained has few of them, if any; an attacker who puts decoys before the
   * pruning makes them.
   */
  readonly possibleDecoys: readonly number[];
}

/** A unit is dormant whose mean absolute activation is at most this share of the median unit's. */
export const DORMANT = 0.01;

/** Tells dead and dormant units by what they do on clean data. */
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
 * How large the values that a layer reads are taken to be where no data say it: a unit whose bias is
 * not reached by a thousand at every weight at once is not reached by any input.
 */
const LARGEST = 1000;

/** The values on whose bounds it depends whether a site's units can activate. */
export function boundsNeeded(traced: Traced, site: Site): Along[] {
  const needed = new Map<string, Along>();
  unreachable(traced, site, (along) => {
    needed.set(`${along.axis} ${along.value}`, along);
    return within(LARGEST, traced, along);
  });
  return [...needed.values()];
}

/**
 * Units of a site that cannot activate: what the layer before makes of them at most lies below the
 * point from which on the activation is at rest.
 *
 * @param seen - bounds of the values that `boundsNeeded` names; without it, a thousand either way
 */
export function unreachable(
  traced: Traced,
  site: Site,
  seen: (along: Along) => Bounds = (along) => within(LARGEST, traced, along),
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
    const told = node && boundsOf(node, axis, { dims, known, ...of(node.inputs) });
    return told ?? seen({ value, axis, rank: dims(value).length });
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
  // Where no layer was met, bounds say only what was seen, and not what can be.
  if (layers === 0) return [];
  return [...high.keys()].filter((unit) => (high[unit] as number) < rest);
}

/** The node that gives a site its name, or, of a product such as x σ(x), the factor. */
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

function within(most: number, traced: Traced, { value, axis }: Along): Bounds {
  const size = dimsOf(traced)(value)[axis] ?? 1;
  return {
    low: new Float64Array(size).fill(-most),
    high: new Float64Array(size).fill(most),
  };
}
