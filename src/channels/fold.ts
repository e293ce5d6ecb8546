import { consumers, producers, type Traced, upstream } from '../graph/index.ts';
import type { Graph } from '../onnx/index.ts';
import { channelRuleOf, type Channels } from '../ops/index.ts';
import { ChannelsError } from './error.ts';
import { channelsOf, dimsOf, knownOf, type Site } from './sites.ts';

/** Slices of an initializer that make units zero when they are zero. */
export interface Slices {
  readonly parameter: string;
  readonly axis: number;
  /** The unit of each index along the axis; -1 for none. */
  readonly unit: Int32Array;
}

/**
 * How a mask on a site becomes part of the model: zeros in the parameters that produce the units, else
 * in those of every layer that reads them, else a Mul node inserted after the site.
 */
export type Fold =
  | { readonly into: 'producer' | 'consumers'; readonly slices: readonly Slices[] }
  | { readonly into: 'mul'; readonly why: string };

/**
 * Finds where the mask of a site can be folded in. For a Mul it says why the parameters do not do.
 *
 * @param graph - the graph that `traced` comes from: only its own initializers can be written back
 * @param wanted - where to fold the mask; default: the first place that works
 * @throws ChannelsError 'channels/no-fold' if the mask cannot be folded there
 */
export function foldOf(graph: Graph, traced: Traced, site: Site, wanted?: Fold['into']): Fold {
  const refused: string[] = [];
  const ways = { producer: intoProducer, consumers: intoConsumers };
  for (const into of ['producer', 'consumers'] as const) {
    if (wanted !== undefined && wanted !== into) continue;
    const slices = ways[into](graph, traced, site);
    if (typeof slices !== 'string') return { into, slices };
    refused.push(slices);
  }
  if (wanted === undefined) return { into: 'mul', why: refused.join('; ') };
  if (wanted === 'mul') return { into: 'mul', why: 'as asked' };
  throw new ChannelsError(
    'channels/no-fold',
    `The mask of "${site.name}" cannot be folded into its ${wanted}: ${refused.join('; ')}. Leave the choice open, or use "mul"`,
  );
}

/** Walks upstream from the site until parameters can make all its units zero. */
function intoProducer(graph: Graph, traced: Traced, site: Site): Slices[] | string {
  const made = producers(traced.graph);
  const only = onlyForSite(traced, site);
  const dims = dimsOf(traced);
  const slices: Slices[] = [];
  const add = adder(graph, traced, slices);
  const silence = (value: string, channels: Channels): string | undefined => {
    if (traced.graph.initializers.has(value)) return add(value, channels);
    const node = made.get(value);
    if (!node) return `"${value}" is an input of the model`;
    const way = channelRuleOf(node).silence(node, channels, dims, knownOf(traced));
    if (way.kind === 'opaque') return way.why;
    for (const { input, ...channels } of way.parameters) {
      const problem = add(node.inputs[input], channels);
      if (problem !== undefined) return problem;
    }
    for (const { index, channels } of way.inputs) {
      const input = node.inputs[index] as string;
      if (!traced.graph.initializers.has(input) && !only(input, channels)) {
        return `"${input}", from which the units are computed, is also used elsewhere`;
      }
      const problem = silence(input, channels);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return silence(site.name, channelsOf(site)) ?? slices;
}

/**
 * Whether units of a value affect only the same units of the site. Other readers, such as the gate of
 * x σ(x), must keep units apart and lead to the site, or be unused.
 */
function onlyForSite(traced: Traced, site: Site): (value: string, channels: Channels) => boolean {
  const { graph } = traced;
  const uses = consumers(graph);
  const dims = dimsOf(traced);
  const outputs = graph.outputs.map(({ name }) => name);
  const needed = upstream(graph, outputs);
  const only = (value: string, channels: Channels): boolean => {
    if (value === site.name) {
      return (
        channels.axis === site.axis &&
        channels.unit.every((unit, place) => unit < 0 || unit === place)
      );
    }
    if (outputs.includes(value)) return false;
    return (uses.get(value) ?? []).every(({ node, index }) => {
      const [output = ''] = node.outputs;
      if (!node.outputs.some((name) => needed.has(name))) return true;
      const passage = channelRuleOf(node).passage(node, index, channels, dims, knownOf(traced));
      return passage.kind === 'pass' && only(output, passage.channels);
    });
  };
  return only;
}

/** Follows the units downstream to every layer that mixes them. */
export function intoConsumers(graph: Graph, traced: Traced, site: Site): Slices[] | string {
  const uses = consumers(traced.graph);
  const dims = dimsOf(traced);
  const outputs = new Set(traced.graph.outputs.map((output) => output.name));
  const slices: Slices[] = [];
  const add = adder(graph, traced, slices);
  const cut = (value: string, channels: Channels): string | undefined => {
    if (outputs.has(value)) return `"${value}" is an output of the model`;
    for (const { node, index } of uses.get(value) ?? []) {
      const passage = channelRuleOf(node).passage(node, index, channels, dims, knownOf(traced));
      if (passage.kind === 'opaque') return passage.why;
      if (passage.kind === 'pass' && !passage.zero) return `${node.op} of zero is not zero`;
      const problem =
        passage.kind === 'mix'
          ? add(node.inputs[passage.weights.input], passage.weights)
          : cut(node.outputs[0] as string, passage.channels);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return cut(site.name, channelsOf(site)) ?? slices;
}

/**
 * Adds slices of a parameter to the list, or returns why they cannot be set to zero. A weight that is
 * transposed or reshaped by nodes is followed to the initializer.
 */
function adder(graph: Graph, traced: Traced, slices: Slices[]) {
  // A parameter may also be read by nodes that compute constants, which tracing has folded away.
  const uses = consumers(graph);
  const made = producers(graph);
  const add = (parameter: string | undefined, channels: Channels): string | undefined => {
    if (!parameter) return undefined;
    if ((uses.get(parameter)?.length ?? 0) > 1) return `"${parameter}" is used in several places`;
    const tensor = graph.initializers.get(parameter);
    if (!tensor) {
      const node = made.get(parameter);
      const way =
        node && channelRuleOf(node).silence(node, channels, dimsOf(traced), knownOf(traced));
      const moved = way?.kind === 'silence' && way.parameters.length === 0 ? way.inputs : [];
      const [from, ...others] = moved;
      return node && from && others.length === 0
        ? add(node.inputs[from.index], from.channels)
        : `"${parameter}" is computed, not stored`;
    }
    const { axis, unit } = channels;
    if (tensor.dims[axis] !== unit.length) return `"${parameter}" is broadcast over the units`;
    slices.push({ parameter, axis, unit });
    return undefined;
  };
  return add;
}
