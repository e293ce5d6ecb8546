import {
  Builder,
  consumers,
  downstream,
  floatOf,
  subgraph,
  type Traced,
  upstream,
} from '../../graph/index.ts';
import {
  float,
  type Graph,
  isGraph,
  type Node,
  subgraphsOf,
  type TensorOf,
  type ValueInfo,
} from '../../onnx/index.ts';
import {
  channelRuleOf,
  type Channels,
  isMatrixProduct,
  type ParameterSlices,
} from '../../ops/index.ts';
import { channelsOf, dimsOf, knownOf, type Site } from '../sites.ts';

/** Where a network is cut to try masks: after the site, as far downstream as its units stay apart. */
export interface Cut {
  readonly value: string;
  readonly channels: Channels;
  /** The layer that sums over the units, if it is the only one that reads the value. */
  readonly layer?: { readonly node: Node; readonly weights: ParameterSlices } | undefined;
}

/** Follows the site through pooling and flattening, whose outputs take less memory. */
export function cutAfter(graph: Graph, traced: Traced, site: Site): Cut {
  const uses = consumers(traced.graph);
  const outputs = new Set(traced.graph.outputs.map((output) => output.name));
  const dims = dimsOf(traced);
  let cut: Cut = { value: site.name, channels: channelsOf(site) };
  for (;;) {
    const [use, ...others] = uses.get(cut.value) ?? [];
    if (!use || others.length > 0 || outputs.has(cut.value)) return cut;
    const { node, index } = use;
    const passage = channelRuleOf(node).passage(node, index, cut.channels, dims, knownOf(traced));
    if (passage.kind === 'pass' && passage.zero) {
      cut = { value: node.outputs[0] as string, channels: passage.channels };
    } else {
      const summed =
        passage.kind === 'mix' &&
        passage.linear &&
        haveEqualWidth(cut.channels.unit, site.units) &&
        isPlainAfter(graph, node.outputs[0] as string) &&
        graph.initializers.has(node.inputs[passage.weights.input] as string);
      return summed ? { ...cut, layer: { node, weights: passage.weights } } : cut;
    }
  }
}

/** Whether all that follows a value are standard operators without subgraphs, which can be copied. */
function isPlainAfter(graph: Graph, value: string): boolean {
  const after = downstream(graph, [value]);
  return graph.nodes
    .filter((node) => node.outputs.some((output) => after.has(output)))
    .every((node) => node.domain === '' && subgraphsOf(node).length === 0);
}

/** Whether every unit has the same number of indices. */
function haveEqualWidth(unit: Int32Array, units: number): boolean {
  const counts = new Int32Array(units);
  for (const u of unit) if (u >= 0) counts[u] = (counts[u] as number) + 1;
  return counts.every((count) => count === counts[0]);
}

/**
 * Values that bypass a value on the way to the outputs, on a residual connection or another branch: the
 * suffix that starts there needs them too.
 */
function beside(
  graph: Graph,
  traced: Traced,
  value: string,
  outputs: readonly string[],
): ValueInfo[] {
  const varying = downstream(
    graph,
    graph.inputs.map((input) => input.name),
  );
  const after = downstream(graph, [value]);
  const needed = upstream(graph, outputs);
  const inputs = graph.nodes
    .filter((node) => !node.outputs.includes(value))
    .filter((node) => node.outputs.some((output) => after.has(output) && needed.has(output)))
    .flatMap((node) => node.inputs)
    .filter((name) => varying.has(name) && !after.has(name));
  return [...new Set(inputs)].map((name) => {
    const { type = 'float32', dims = [] } = traced.values.get(name) ?? {};
    return { name, type, dims: dims.map(() => null) };
  });
}

/** The graph from the stored values and a mask to the outputs. */
export function maskedSuffix(
  graph: Graph,
  traced: Traced,
  cut: Cut,
  wanted: readonly string[],
): { graph: Graph; mask: string; beside: string[] } {
  const dims = traced.values.get(cut.value)?.dims ?? [];
  const others = beside(graph, traced, cut.value, wanted);
  const outputs = wanted.map((name) => ({ name }));
  const own: ValueInfo = { name: cut.value, type: 'float32', dims: sized(dims) };
  const b = new Builder(subgraph(graph, [own, ...others], outputs));
  const mask = b.input(
    'mask',
    'float32',
    dims.map((_, axis) => (axis === cut.channels.axis ? cut.channels.unit.length : 1)),
  );
  const product = b.op('Mul', [cut.value, mask], {}, 'masked');
  const whole = b.build(outputs);
  const nodes = whole.nodes.map((node) =>
    node.outputs[0] === product ? node : withInputReplaced(node, cut.value, product),
  );
  return {
    graph: { ...whole, nodes: sortedFirst(nodes, product) },
    mask,
    beside: others.map(({ name }) => name),
  };
}

/** The node, and its subgraphs, with an input replaced by another value. */
function withInputReplaced(node: Node, value: string, other: string): Node {
  const attributes = Object.entries(node.attributes).map(([key, attribute]) => [
    key,
    typeof attribute === 'object' && isGraph(attribute)
      ? {
          ...attribute,
          nodes: attribute.nodes.map((inner) => withInputReplaced(inner, value, other)),
        }
      : attribute,
  ]);
  return {
    ...node,
    inputs: node.inputs.map((name) => (name === value ? other : name)),
    attributes: Object.fromEntries(attributes) as Node['attributes'],
  };
}

function sortedFirst(nodes: readonly Node[], output: string): Node[] {
  const first = nodes.filter((node) => node.outputs[0] === output);
  return [...first, ...nodes.filter((node) => node.outputs[0] !== output)];
}

/** A graph that subtracts units one after another, and the names of its inputs and outputs. */
export interface Subtraction {
  readonly graph: Graph;
  /** Input: the layer's output so far. */
  readonly now: string;
  /** Output: the layer's output without all units of this run. */
  readonly next: string;
  /** For each unit: its values, its weights, and the scores without it and the units before it. */
  readonly units: readonly {
    readonly values: string;
    readonly weights: string;
    readonly scores: string;
  }[];
  /** Values upstream of the layer that the scores need too. */
  readonly beside: readonly string[];
}

/**
 * Subtracts some units: from the layer's output so far, the units' values and their weights it computes
 * the scores without the first unit, without the first two, and so on. Each step then costs a fraction of
 * the layer. A run subtracts several units, because most of its cost is reading its large outputs.
 */
export function withoutUnits(
  graph: Graph,
  traced: Traced,
  layer: { readonly node: Node; readonly weights: ParameterSlices },
  scores: string,
): Subtraction {
  const { node } = layer;
  const made = node.outputs[0] as string;
  const dimsOf = (value: string) => named(traced.values.get(value)?.dims.length ?? 2);
  const [values, weights] = node.inputs as [string, string];
  const others = beside(graph, traced, made, [scores]);
  const rest = subgraph(
    graph,
    [{ name: made, type: 'float32', dims: dimsOf(made) }, ...others],
    [{ name: scores }],
  );
  const inputs = rest.inputs.filter((input) => input.name !== made);
  const b = new Builder({ ...rest, inputs, nodes: [] });
  const now = b.input('now', 'float32', dimsOf(made));
  const units: Subtraction['units'][number][] = [];
  let next = now;
  for (let index = 0; index < unitsPerRun(rest); index += 1) {
    const unit = {
      values: b.input('values', 'float32', dimsOf(values)),
      weights: b.input('weights', 'float32', dimsOf(weights)),
    };
    next = minus(b, node, next, unit, dimsOf(values).length);
    const named = new Map([[made, next]]);
    for (const other of rest.nodes) {
      const outputs = b.ops(
        other.op,
        other.inputs.map((name) => named.get(name) ?? name),
        other.attributes,
        other.outputs.length,
        other.outputs[0],
      );
      other.outputs.forEach((name, place) => named.set(name, outputs[place] as string));
    }
    units.push({ ...unit, scores: named.get(scores) as string });
  }
  const outputs = [...new Set([...units.map((unit) => unit.scores), next])];
  return {
    graph: b.build(outputs.map((name) => ({ name }))),
    now,
    next,
    units,
    beside: others.map(({ name }) => name),
  };
}

/** now − unit · weights; for matrices one Gemm, which subtracts while it multiplies. */
function minus(
  b: Builder,
  node: Node,
  now: string,
  unit: { readonly values: string; readonly weights: string },
  rank: number,
): string {
  const matrices = rank === 2 && isMatrixProduct(node);
  return matrices
    ? b.op(
        'Gemm',
        [unit.values, unit.weights, now],
        { ...node.attributes, alpha: float(-floatOf(node, 'alpha', 1)), beta: float(1) },
        'next',
      )
    : b.op('Sub', [now, b.op(node.op, [unit.values, unit.weights], node.attributes)], {}, 'next');
}

/** Each unit needs a copy of the graph after the layer, with packed weights: fewer units if it is large. */
function unitsPerRun(rest: Graph): number {
  const elements = [...rest.initializers.values()].reduce((sum, { data }) => sum + data.length, 0);
  return Math.min(8, Math.max(1, Math.floor(4e6 / Math.max(1, elements))));
}

/** The slice of a layer's weights that multiplies one unit. */
export function unitWeights(
  weights: TensorOf<'float32'>,
  { axis, unit }: ParameterSlices,
  which: number,
): TensorOf<'float32'> {
  const places = [...unit.keys()].filter((index) => unit[index] === which);
  const inner = weights.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = weights.dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const data = new Float32Array(outer * places.length * inner);
  for (let o = 0, at = 0; o < outer; o += 1) {
    for (const place of places) {
      const start = (o * unit.length + place) * inner;
      data.set(weights.data.subarray(start, start + inner), at);
      at += inner;
    }
  }
  const dims = weights.dims.map((dim, i) => (i === axis ? places.length : dim));
  return { type: 'float32', dims, data };
}

function named(rank: number): string[] {
  return Array.from({ length: rank }, (_, axis) => `d${axis}`);
}

function sized(dims: readonly number[]): (number | string)[] {
  return dims.map((dim, axis) => (axis === 0 ? 'N' : dim));
}
