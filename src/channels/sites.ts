import { consumers, producers, type Traced, upstream, type Use } from '../graph/index.ts';
import type { Graph, Node, Tensor } from '../onnx/index.ts';
import {
  type Activation,
  activationOf,
  channelRuleOf,
  type Channels,
  channelsAt,
  isArithmetic,
  isProduct,
  keepsChannels,
  type Layer,
  layerOf,
} from '../ops/index.ts';
import { ChannelsError } from './error.ts';

/** A place where units can be pruned: an activation with a channel axis. */
export interface Site {
  /** The activation's value name. */
  readonly name: string;
  readonly units: number;
  readonly axis: number;
  /** Dims of the activation for one sample: the batch axis left out. */
  readonly dims: readonly number[];
  readonly kind: 'convolutional' | 'fully connected';
  /** The operator that makes the activation, such as Relu. */
  readonly activation: string;
  /** Operators that read it. */
  readonly consumers: readonly string[];
}

/**
 * Every site of a classifier, in the order of the graph: outputs of nonlinear operators that carry
 * the channels of a layer upstream, and that reach the output only through another layer.
 *
 * @param output - the value of class scores
 */
export function sitesOf(traced: Traced, output: string): Site[] {
  const { graph, values } = traced;
  const uses = consumers(graph);
  const needed = upstream(graph, [output]);
  const layers = layersOf(traced);
  const mixed = mixedDownstream(traced, output);
  return graph.nodes.flatMap((node) => {
    const activation = activationOf(node);
    const layer = activation && layers.above(node);
    if (!layer) return [];
    const name = activationValue(traced, node, activation, uses, layers);
    if (name === undefined || !needed.has(name) || !mixed.has(name)) return [];
    const dims = values.get(name)?.dims ?? [];
    const units = dims[layer.axis] as number;
    return [
      {
        name,
        units,
        axis: layer.axis,
        dims: dims.slice(1),
        kind: layer.kind,
        activation: node.op,
        consumers: (uses.get(name) ?? []).map(({ node }) => node.op),
      },
    ];
  });
}

/** The channels of a site, one index for each unit. */
export function channelsOf(site: Site): Channels {
  return channelsAt(site.axis, site.units);
}

export function dimsOf({ values }: Traced): (value: string) => readonly number[] {
  return (value) => values.get(value)?.dims ?? [];
}

/** Looks up values that are known before the graph runs, such as bounds, pads and scales. */
export function knownOf({ graph }: Traced): (value: string) => Tensor | undefined {
  return (value) => graph.initializers.get(value);
}

/** The graph without gates, such as those of squeeze-and-excitation, which are not on the main path. */
export function withoutGates(traced: Traced): Graph {
  const { graph } = traced;
  const uses = consumers(graph);
  const layers = layersOf(traced);
  const nodes = graph.nodes.filter((node) => {
    const activation = activationOf(node);
    return activation?.gate !== 'often' || activationValue(traced, node, activation, uses, layers);
  });
  return { ...graph, nodes };
}

/** @throws ChannelsError 'channels/unknown-site', which lists the sites, if none has this name */
export function siteNamed(sites: readonly Site[], name: string): Site {
  const found = sites.find((site) => site.name === name);
  if (found) return found;
  const known = sites.map((site) => `"${site.name}" (${site.units} units)`).join(', ');
  throw new ChannelsError(
    'channels/unknown-site',
    `There is no site "${name}" in the model. Its sites: ${known || 'none'}`,
  );
}

/** A layer and its node. */
interface LayerNode extends Layer {
  readonly node: Node;
}

interface Layers {
  /** The layer whose channels a node's inputs carry: the nearest one upstream, on any input of a sum. */
  above(node: Node): LayerNode | undefined;
  /** The same for a value, which may be the output of the layer itself. */
  of(value: string): LayerNode | undefined;
}

function layersOf(traced: Traced): Layers {
  const made = producers(traced.graph);
  const dims = dimsOf(traced);
  const of = (value: string, left: number): LayerNode | undefined => {
    const node = made.get(value);
    if (!node) return undefined;
    const layer = layerOf(node, dims);
    if (layer) return { node, ...layer };
    return keepsChannels(node) ? above(node, left - 1) : undefined;
  };
  const above = (node: Node, left = 8): LayerNode | undefined => {
    if (left === 0) return undefined;
    for (const input of node.inputs) {
      const layer = of(input, left);
      if (layer) return layer;
    }
    return undefined;
  };
  return { above: (node) => above(node), of: (value) => of(value, 8) };
}

/**
 * The value of an activation: the node's output, or the product if the output multiplies what the same
 * layer produced. Swish is x σ(x), and GELU is x (1 + erf(x / √2)) / 2. A gate, such as that of
 * squeeze-and-excitation, has none: it is not an activation and never dormant.
 */
function activationValue(
  traced: Traced,
  node: Node,
  { gate }: Activation,
  uses: ReadonlyMap<string, readonly Use[]>,
  layers: Layers,
): string | undefined {
  const own = gate === 'only' ? undefined : node.outputs[0];
  if (!gate) return own;
  let value = node.outputs[0] as string;
  for (;;) {
    const [use, ...others] = uses.get(value) ?? [];
    if (!use || others.length > 0 || !isArithmetic(use.node)) return own;
    const other = use.node.inputs[1 - use.index] as string;
    const result = use.node.outputs[0] as string;
    if (traced.graph.initializers.has(other)) value = result;
    else if (!isProduct(use.node)) return own;
    else if (layers.of(other)?.node === layers.above(node)?.node) return result;
    else return gate === 'often' ? undefined : own;
  }
}

/** Values from which every path to the output leads through a layer that mixes channels. */
export function mixedDownstream(traced: Traced, output: string): Set<string> {
  const dims = dimsOf(traced);
  const direct = new Set([output]);
  for (const node of traced.graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => direct.has(value))) continue;
    for (const [index, input] of node.inputs.entries()) {
      const rank = dims(input).length;
      const mixes = [1, rank - 1].some(
        (axis) =>
          channelRuleOf(node).passage(
            node,
            index,
            channelsAt(axis, dims(input)[axis] ?? 0),
            dims,
            knownOf(traced),
          ).kind === 'mix',
      );
      if (!mixes) direct.add(input);
    }
  }
  return new Set([...traced.values.keys()].filter((name) => !direct.has(name)));
}
