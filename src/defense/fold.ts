import { consumers, producers, type Traced, type Use } from '../graph/index.ts';
import type { Node, TensorOf } from '../onnx/index.ts';
import { channelRuleOf, type Channels, type ParameterSlices } from '../ops/index.ts';
import { channelsOf, dimsOf, type Site } from './sites.ts';

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

/** Finds where the mask of a site can be folded in, and why not further up. */
export function foldOf(traced: Traced, site: Site): Fold {
  const producer = intoProducer(traced, site);
  if (typeof producer !== 'string') return { into: 'producer', slices: producer };
  const readers = intoConsumers(traced, site);
  if (typeof readers !== 'string') return { into: 'consumers', slices: readers };
  return { into: 'mul', why: `${producer}; ${readers}` };
}

/** Walks up from the site until parameters make all its units zero. */
function intoProducer(traced: Traced, site: Site): Slices[] | string {
  const made = producers(traced.graph);
  const uses = consumers(traced.graph);
  const dims = dimsOf(traced);
  const slices: Slices[] = [];
  const silence = (value: string, channels: Channels): string | undefined => {
    const constant = traced.graph.initializers.get(value);
    if (constant) {
      if (only(uses, value)) {
        slices.push({ parameter: value, axis: channels.axis, unit: channels.unit });
        return undefined;
      }
      return `"${value}" is used in several places`;
    }
    const node = made.get(value);
    if (!node) return `"${value}" is an input of the model`;
    const way = channelRuleOf(node).silence(node, channels, dims);
    if (way.kind === 'opaque') return way.why;
    for (const parameter of way.parameters) {
      const problem = addSlices(traced, uses, node, parameter, slices);
      if (problem !== undefined) return problem;
    }
    for (const { index, channels } of way.inputs) {
      const input = node.inputs[index] as string;
      if (!traced.graph.initializers.has(input) && !only(uses, input)) {
        return `"${input}", which makes the units, is used elsewhere too`;
      }
      const problem = silence(input, channels);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return silence(site.name, channelsOf(site)) ?? slices;
}

/** Follows the units down to every layer that mixes them. */
function intoConsumers(traced: Traced, site: Site): Slices[] | string {
  const uses = consumers(traced.graph);
  const dims = dimsOf(traced);
  const outputs = new Set(traced.graph.outputs.map((output) => output.name));
  const slices: Slices[] = [];
  const cut = (value: string, channels: Channels): string | undefined => {
    if (outputs.has(value)) return `"${value}" is an output of the model`;
    for (const { node, index } of uses.get(value) ?? []) {
      const passage = channelRuleOf(node).passage(node, index, channels, dims);
      if (passage.kind === 'opaque') return passage.why;
      if (passage.kind === 'pass' && !passage.zero) return `${node.op} of zero is not zero`;
      const problem =
        passage.kind === 'mix'
          ? addSlices(traced, uses, node, passage.weights, slices)
          : cut(node.outputs[0] as string, passage.channels);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return cut(site.name, channelsOf(site)) ?? slices;
}

function addSlices(
  traced: Traced,
  uses: ReadonlyMap<string, readonly Use[]>,
  node: Node,
  { input, axis, unit }: ParameterSlices,
  slices: Slices[],
): string | undefined {
  const parameter = node.inputs[input];
  if (!parameter) return undefined;
  if (!traced.graph.initializers.has(parameter)) return `"${parameter}" is computed, not stored`;
  if (!only(uses, parameter)) return `"${parameter}" is used in several places`;
  slices.push({ parameter, axis, unit });
  return undefined;
}

function only(uses: ReadonlyMap<string, readonly Use[]>, value: string): boolean {
  return (uses.get(value)?.length ?? 0) <= 1;
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
  return new Map(
    slices.map(({ parameter, axis, unit }) => {
      const rank = traced.graph.initializers.get(parameter)?.dims.length ?? 0;
      const dims = Array.from({ length: rank }, (_, i) => (i === axis ? unit.length : 1));
      const data = Float32Array.from(unit, (u) => (pruned.has(u) ? 0 : 1));
      return [parameter, { type: 'float32', dims, data }];
    }),
  );
}

/** A parameter times a mask that has its length along one axis and 1 along the others. */
export function masked(
  tensor: TensorOf<'float32'>,
  mask: TensorOf<'float32'>,
): TensorOf<'float32'> {
  const axis = Math.max(
    0,
    mask.dims.findIndex((dim) => dim !== 1),
  );
  const inner = tensor.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const data = tensor.data.map((value, index) =>
    mask.data[Math.floor(index / inner) % mask.data.length] === 0 ? 0 : value,
  );
  return { ...tensor, data };
}
