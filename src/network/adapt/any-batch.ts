import {
  axisOf,
  Builder,
  implicitInputs,
  downstream,
  intOf,
  type Traced,
} from '../../graph/index.ts';
import { int64, type Graph, type Node, type TensorOf, type ValueInfo } from '../../onnx/index.ts';
import { isConcat, shapeInput } from '../../ops/index.ts';

/**
 * Rewrites a graph that was exported for one batch size so that it takes any. The batch axis of its input
 * and outputs becomes free, constant shapes that begin with a multiple of the batch size are computed from
 * the input's, and a constant that is concatenated to the only sample is repeated for all. The caller has to
 * check that the outputs are still the same.
 *
 * @param traced - the graph traced with its own batch size, so that constant shapes are known
 */
export function forAnyBatch(graph: Graph, traced: Traced, input: string): Graph {
  const rows = traced.values.get(input)?.dims[0] ?? 1;
  const varying = downstream(graph, [input]);
  const b = new Builder(graph);
  const inBodies = new Set(graph.nodes.flatMap(implicitInputs));
  const nodes = graph.nodes.map((node): Node => {
    if (isConcat(node) && rows === 1) return withExpandedConstants(b, graph, input, node);
    const at = shapeInput(node);
    const name = at && node.inputs[at.input];
    if (name === undefined || varying.has(name)) return node;
    const shape = traced.graph.initializers.get(name);
    if (shape?.type !== 'int64' || inBodies.has(name)) return node;
    const dims = Array.from(shape.data, Number);
    const inferred = at?.infers ? inferredShape(b, dims, rows) : undefined;
    const free = inferred ?? (dims[0] === rows ? computedShape(b, input, dims) : undefined);
    if (free === undefined) return node;
    return { ...node, inputs: node.inputs.map((other, i) => (i === at?.input ? free : other)) };
  });
  const built = b.build(graph.outputs.map(withFreeBatch), graph.name);
  return {
    ...built,
    inputs: built.inputs.map((info) => (info.name === input ? withFreeBatch(info) : info)),
    nodes: [...built.nodes.slice(graph.nodes.length), ...nodes],
  };
}

/**
 * A Concat of a value of each sample with a parameter, such as a class token. For a batch of one, exporters
 * fold the Expand that repeats the parameter for each sample: this puts it back.
 */
function withExpandedConstants(b: Builder, graph: Graph, input: string, node: Node): Node {
  const expanded = (name: string) => {
    const { dims = [] } = graph.initializers.get(name) ?? {};
    const axis = axisOf(intOf(node, 'axis', 0), dims.length);
    if (dims[0] !== 1 || dims.length < 2 || axis === 0) return name;
    return b.op('Expand', [name, computedShape(b, input, dims)], {}, `${name} for any batch`);
  };
  const constant = node.inputs.every((name) => graph.initializers.has(name));
  return constant ? node : { ...node, inputs: node.inputs.map(expanded) };
}

/** With a free batch axis. */
function withFreeBatch(info: ValueInfo): ValueInfo {
  return info.dims ? { ...info, dims: ['N', ...info.dims.slice(1)] } : info;
}

/** A constant shape for Reshape, with a first dim of -1: Reshape infers it. */
function inferredShape(b: Builder, dims: readonly number[], rows: number): string | undefined {
  const [first = 0, ...rest] = dims;
  if (first <= 0 || first % rows !== 0 || rest.some((dim) => dim <= 0)) return undefined;
  return b.initializer('any batch', int64([dims.length], [-1, ...rest]));
}

/** The shape with the batch size of the input as first dim. */
function computedShape(b: Builder, input: string, dims: readonly number[]): string {
  const shape = b.op('Shape', [input], {}, 'shape of the batch');
  const rows = b.op('Gather', [shape, b.ints([0])], { axis: 0 }, 'rows of the batch');
  return b.op('Concat', [rows, b.ints(dims.slice(1))], { axis: 0 }, 'any batch');
}

/** Whether two outputs are equal up to rounding. */
export function agree(a: TensorOf<'float32'>, b: TensorOf<'float32'>): boolean {
  if (a.data.length !== b.data.length) return false;
  const most = a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.data.every((value, i) => Math.abs(value - (b.data[i] as number)) <= 1e-4 * most + 1e-6);
}
