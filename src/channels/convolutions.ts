import { consumers, type Traced, upstream } from '../graph/index.ts';
import { type Filters, filtersOf, channelScalesOf } from '../ops/index.ts';
import { dimsOf, knownOf, mixedDownstream, type Site } from './sites.ts';

/** A convolution, with the BatchNormalization that follows it, if any. */
export interface Convolution {
  /** The node's name; the name of its output where it has none. */
  readonly name: string;
  /** The value that carries the channels. It can be masked like a site. */
  readonly site: Site;
  readonly filters: Filters;
  /** The factor of each channel in BatchNormalization; 1 without one. */
  readonly scales: Float64Array;
}

/**
 * Every convolution with known weights and channels that can be pruned, in the order of the graph. Channels
 * that reach the output without another layer are class scores, which cannot be pruned.
 *
 * @param output - the value of class scores
 */
export function convolutionsOf(traced: Traced, output: string): Convolution[] {
  const { graph } = traced;
  const uses = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const needed = upstream(graph, [output]);
  const mixed = mixedDownstream(traced, output);
  const [dims, known] = [dimsOf(traced), knownOf(traced)];
  return graph.nodes.flatMap((node) => {
    const [own = ''] = node.outputs;
    const filters = needed.has(own) && mixed.has(own) ? filtersOf(node, known) : undefined;
    if (!filters) return [];
    const [next, ...others] = uses.get(own) ?? [];
    const alone = next?.index === 0 && others.length === 0 && !outputs.has(own);
    const scales = alone ? channelScalesOf(next.node, known) : undefined;
    const last = scales && next ? next.node : node;
    const [value = ''] = last.outputs;
    return [
      {
        name: node.name || own,
        site: {
          name: value,
          units: filters.units,
          axis: 1,
          dims: dims(value).slice(1),
          kind: 'convolutional' as const,
          activation: last.op,
          consumers: (uses.get(value) ?? []).map((use) => use.node.op),
        },
        filters,
        scales: scales ?? new Float64Array(filters.units).fill(1),
      },
    ];
  });
}
