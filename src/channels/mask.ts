import { consumers, producers, type Traced, upstream } from '../graph/index.ts';
import { sizeOf, type Graph, type TensorOf } from '../onnx/index.ts';
import { channelRuleOf, type Channels } from '../ops/index.ts';
import { ChannelsError } from './error.ts';
import { channelsOf, dimsOf, knownOf, type Site } from './sites.ts';

/** Slices of an initializer that silence units when they are zero. */
export interface Slices {
  readonly parameter: string;
  readonly axis: number;
  /** The unit of each index along the axis; -1 for none. */
  readonly unit: Int32Array;
}

/**
 * How a mask on a site becomes part of the model: zeros in the parameters that make the units, else
 * in those of every layer that reads them, else a Mul node put in after the site.
 */
export type Fold =
  | { readonly into: 'producer' | 'consumers'; readonly slices: readonly Slices[] }
  | { readonly into: 'mul'; readonly why: string };

/**
 * Finds where the mask of a site can be folded in, and why not further up.
 *
 * @param graph - what `traced` was traced from: only its own initializers can be written back
 * @param wanted - where it is to go, if not wherever comes first
 * @throws ChannelsError 'channels/no-fold' where it cannot go there
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

/** Walks up from the site until parameters make all its units zero. */
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
        return `"${input}", which makes the units, is used elsewhere too`;
      }
      const problem = silence(input, channels);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return silence(site.name, channelsOf(site)) ?? slices;
}

/**
 * Whether units of a value come to nothing but the same units of the site: whatever else reads them,
 * such as the gate of x σ(x), keeps units apart and leads there, or nowhere.
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

/** Follows the units down to every layer that mixes them. */
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
 * Takes note of slices of a parameter, or says why they cannot be set to zero. A weight that is turned
 * or reshaped on its way is followed to where it is stored.
 */
function adder(graph: Graph, traced: Traced, slices: Slices[]) {
  // A parameter may also be read where constants are computed, which tracing has folded away.
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
    if (tensor.dims[axis] !== unit.length) return `"${parameter}" is spread over the units`;
    slices.push({ parameter, axis, unit });
    return undefined;
  };
  return add;
}

/**
 * For each parameter that a fold touches, 0 where an element belongs to a pruned unit and 1 elsewhere;
 * dims of the parameter with 1 for every axis but that of the units.
 */
export function parameterMasks(
  traced: Traced,
  slices: readonly Slices[],
  pruned: ReadonlySet<number>,
): Map<string, TensorOf<'float32'>> {
  const masks = new Map<string, TensorOf<'float32'>>();
  for (const { parameter, axis, unit } of slices) {
    const rank = traced.graph.initializers.get(parameter)?.dims.length ?? 0;
    const dims = Array.from({ length: rank }, (_, i) => (i === axis ? unit.length : 1));
    // A layer that reads a unit by several ways, as after a Concat of two pools, has slices of each.
    const other = masks.get(parameter)?.data;
    const data = Float32Array.from(unit, (u, i) => (pruned.has(u) || other?.[i] === 0 ? 0 : 1));
    masks.set(parameter, { type: 'float32', dims, data });
  }
  return masks;
}

/** A parameter times a mask, whose dims are those of the parameter or 1. */
export function masked(
  tensor: TensorOf<'float32'>,
  mask: TensorOf<'float32'>,
): TensorOf<'float32'> {
  const at = placeIn(mask, tensor.dims);
  const data = tensor.data.map((value, index) => (mask.data[at(index)] === 0 ? 0 : value));
  return { ...tensor, data };
}

/** What is zero in either of two masks of one parameter, along whatever axes. */
function together(a: TensorOf<'float32'>, b: TensorOf<'float32'>): TensorOf<'float32'> {
  const dims = a.dims.map((dim, axis) => Math.max(dim, b.dims[axis] as number));
  const [inA, inB] = [placeIn(a, dims), placeIn(b, dims)];
  const data = new Float32Array(sizeOf(dims)).map((_, index) =>
    a.data[inA(index)] === 0 || b.data[inB(index)] === 0 ? 0 : 1,
  );
  return { type: 'float32', dims, data };
}

/** Masks of several sites as one: for each parameter, what any of them holds at zero. */
export function joinedMasks(
  some: ReadonlyMap<string, TensorOf<'float32'>>,
  more: ReadonlyMap<string, TensorOf<'float32'>>,
): Map<string, TensorOf<'float32'>> {
  const all = new Map(some);
  for (const [parameter, mask] of more) {
    const other = all.get(parameter);
    all.set(parameter, other ? together(other, mask) : mask);
  }
  return all;
}

/** Which element of a tensor meets an element of these dims, along whose axes it may have 1. */
function placeIn(tensor: TensorOf<'float32'>, dims: readonly number[]): (index: number) => number {
  const steps = dims.map((dim, axis) => {
    const inner = sizeOf(dims.slice(axis + 1));
    const own = tensor.dims[axis] === 1 ? 0 : sizeOf(tensor.dims.slice(axis + 1));
    return { inner, dim, own };
  });
  const moving = steps.filter(({ own }) => own > 0);
  return (index) => {
    let at = 0;
    for (const { inner, dim, own } of moving) at += own * (Math.floor(index / inner) % dim);
    return at;
  };
}
