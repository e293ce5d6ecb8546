import { consumers, type Traced, upstream } from '../graph/index.ts';
import { readsRegions } from '../ops/index.ts';
import { ChannelsError } from './error.ts';
import { everyPathCrosses, lastOf, valuesOnEveryPath } from './paths.ts';
import { type Site, withoutGates } from './sites.ts';

/** The sites that are pruned unless others are named. */
export interface DefaultSites {
  /** In the order of the graph. */
  readonly sites: readonly [Site, ...Site[]];
  /** Why these, for a person to read. */
  readonly reason: string;
}

/**
 * Chooses the sites to prune: as in the paper the last convolutional one, but such that every path from
 * the input to the scores leads through it. Otherwise a backdoor may take another path, as it does in the
 * paper's own DeepID if its fourth convolution is pruned.
 *
 * "Last" is by the graph, not by name. In this order:
 * 1. of a detector, the features that regions are read from;
 * 2. the last sites, those from which no path leads to another one, if every path leads through them:
 *    one, or several side by side, as in Inception;
 * 3. the last single site through which every path leads;
 * 4. the last sites all the same.
 *
 * A site inside a residual branch is passed by, the activation after the sum is not. What only makes a gate,
 * as in squeeze and excitation, is no candidate. Fully connected sites are candidates if there is no
 * convolutional one.
 *
 * @param sites - all sites of the network, as `sitesOf` gives them
 * @param scores - the value of class scores
 * @throws ChannelsError 'channels/no-site' if there is no site at all
 */
export function defaultSites(traced: Traced, sites: readonly Site[], scores: string): DefaultSites {
  const uses = consumers(traced.graph);
  const backbone = sites.find(({ name }) => uses.get(name)?.some(({ node }) => readsRegions(node)));
  if (backbone) return { sites: [backbone], reason: 'regions are read from it' };
  const graph = withoutGates(traced);
  const main = upstream(graph, [scores]);
  const onPath = sites.filter(({ name }) => main.has(name));
  const convolutional = onPath.filter(({ kind }) => kind === 'convolutional');
  const candidates = convolutional.length > 0 ? convolutional : onPath;
  const kind = convolutional.length > 0 ? 'convolutional ' : '';
  const named = lastOf(traced.graph, new Set(candidates.map(({ name }) => name)));
  const [first, ...others] = candidates.filter(({ name }) => named.has(name));
  if (!first) {
    throw new ChannelsError(
      'channels/no-site',
      'No place to prune was found: the model has no activation with a channel axis between two layers',
    );
  }
  const last = [first, ...others] as const;
  const several = others.length > 0;
  if (everyPathCrosses(graph, scores, named)) {
    const reason = several
      ? `every path from the input to the scores leads through one of these last ${kind}sites, which lie side by side`
      : `it is the last ${kind}site, and every path from the input to the scores leads through it`;
    return { sites: last, reason };
  }
  const everyPath = valuesOnEveryPath(graph, scores);
  const single = candidates.findLast(({ name }) => everyPath.has(name));
  if (single) {
    const around = last.map(({ name }) => `"${name}"`).join(', ');
    return {
      sites: [single],
      reason: `it is the last ${kind}site through which every path from the input to the scores leads; other paths lead around ${around}`,
    };
  }
  return {
    sites: last,
    reason: `${several ? 'they are the last' : 'it is the last'} ${kind}site${several ? 's' : ''}; there is none through which every path from the input to the scores leads`,
  };
}
