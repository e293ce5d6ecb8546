import {
  axisOf,
  consumers,
  downstream,
  intOf,
  producers,
  type Traced,
  upstream,
  type Use,
} from '../graph/index.ts';
import type { Node, Tensor } from '../onnx/index.ts';
import { channelRuleOf, type Channels, channelsAt } from '../ops/index.ts';
import { DefenseError } from './error.ts';

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

/** Stands for a value that is gated and is not what the gate is made from; no value has this name. */
const ANOTHER = '';

const NONLINEAR = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'ThresholdedRelu',
  'Elu',
  'Selu',
  'Celu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Mish',
  'Softplus',
  'Softsign',
  'Tanh',
  'Gelu',
  'Clip',
  'Swish',
]);

/**
 * Every site of a classifier, in the order of the graph: outputs of nonlinear operators that carry
 * the channels of a layer upstream, and that reach the output only through another layer.
 *
 * @param output - the value of class scores
 */
export function sitesOf(traced: Traced, output: string): Site[] {
  const { graph, values } = traced;
  const made = producers(graph);
  const uses = consumers(graph);
  const needed = upstream(graph, [output]);
  const dims = dimsOf(traced);
  const mixing = mixedDownstream(traced, output);
  return graph.nodes.flatMap((node) => {
    if (!NONLINEAR.has(node.op)) return [];
    const gated = gatedBy(node, uses);
    // A gate (of squeeze and excitation, say) is no activation: it is never dormant.
    if (gated === ANOTHER) return [];
    const name = gated ?? node.outputs[0];
    if (name === undefined) return [];
    if (!needed.has(name) || !mixing.has(name)) return [];
    const layer = layerOf(node, made, dims);
    if (!layer) return [];
    const whole = values.get(name)?.dims ?? [];
    const units = whole[layer.axis] as number;
    return [
      {
        name,
        units,
        axis: layer.axis,
        dims: whole.slice(1),
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

/** What is known of a value before the graph runs: bounds, pads, scales. */
export function knownOf({ graph }: Traced): (value: string) => Tensor | undefined {
  return (value) => graph.initializers.get(value);
}

/**
 * The site to prune unless told otherwise, as in the paper: the last convolutional one, by the graph
 * and not by name. "Last" is the one after which no other lies; of several side by side the one with
 * the most units.
 *
 * @throws DefenseError where there is no site at all
 */
export function lastSite(traced: Traced, sites: readonly Site[]): Site {
  const convolutional = sites.filter((site) => site.kind === 'convolutional');
  const choice = convolutional.length > 0 ? convolutional : sites;
  const names = choice.map((site) => site.name);
  const last = choice.filter((site) => {
    const after = downstream(traced.graph, [site.name]);
    return !names.some((other) => other !== site.name && after.has(other));
  });
  const [first, ...others] = last;
  if (!first) {
    throw new DefenseError(
      'defense/no-site',
      'No place to prune was found: the model has no activation with a channel axis between two layers',
    );
  }
  return others.reduce((most, site) => (site.units > most.units ? site : most), first);
}

/** @throws DefenseError which lists the sites, where none has this name */
export function siteNamed(sites: readonly Site[], name: string): Site {
  const found = sites.find((site) => site.name === name);
  if (found) return found;
  const known = sites.map((site) => `"${site.name}" (${site.units} units)`).join(', ');
  throw new DefenseError(
    'defense/unknown-site',
    `There is no site "${name}" in the model. Its sites: ${known || 'none'}`,
  );
}

/** Operators between a layer and its activation that leave the channels where they are. */
const BETWEEN = new Set([
  'BatchNormalization',
  'Add',
  'Sum',
  'Mul',
  'Identity',
  'Dropout',
  'MaxPool',
  'AveragePool',
  'InstanceNormalization',
  'GroupNormalization',
  'LayerNormalization',
  'LRN',
]);

/**
 * What a sigmoid gates, where all it does is multiply: its own input, which makes Swish, x σ(x), whose
 * value is given; or another value.
 */
function gatedBy(node: Node, uses: ReadonlyMap<string, readonly Use[]>): string | undefined {
  const [use, ...others] = uses.get(node.outputs[0] as string) ?? [];
  const sigmoid = node.op === 'Sigmoid' || node.op === 'HardSigmoid';
  if (!sigmoid || !use || others.length > 0 || use.node.op !== 'Mul') return undefined;
  return use.node.inputs[1 - use.index] === node.inputs[0] ? use.node.outputs[0] : ANOTHER;
}

/** The layer whose channels an activation carries: found by walking up, at a sum by either way. */
function layerOf(
  node: Node,
  made: ReadonlyMap<string, Node>,
  dims: (value: string) => readonly number[],
  left = 8,
): { kind: Site['kind']; axis: number } | undefined {
  if (left === 0) return undefined;
  for (const input of node.inputs) {
    const above = made.get(input);
    const layer = above && (asLayer(above, dims) ?? through(above, made, dims, left));
    if (layer) return layer;
  }
  return undefined;
}

function through(
  node: Node,
  made: ReadonlyMap<string, Node>,
  dims: (value: string) => readonly number[],
  left: number,
): ReturnType<typeof layerOf> {
  return BETWEEN.has(node.op) ? layerOf(node, made, dims, left - 1) : undefined;
}

function asLayer(
  node: Node,
  dims: (value: string) => readonly number[],
): ReturnType<typeof layerOf> {
  const rank = dims(node.outputs[0] as string).length;
  if (node.op === 'Conv' || node.op === 'ConvTranspose') return { kind: 'convolutional', axis: 1 };
  if (node.op === 'Gemm') return { kind: 'fully connected', axis: 1 };
  if (node.op === 'MatMul') return { kind: 'fully connected', axis: rank - 1 };
  if (node.op === 'Concat' && rank === 4 && axisOf(intOf(node, 'axis', 0), rank) === 1) {
    return { kind: 'convolutional', axis: 1 };
  }
  return undefined;
}

/** Values from which every way to the output leads through a layer that mixes channels. */
function mixedDownstream(traced: Traced, output: string): Set<string> {
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
