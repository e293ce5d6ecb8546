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
 * A graph made for one batch size, written for any: the batch axis of its input and outputs is left
 * open, constant shapes that begin with a multiple of the batch size are made from that of the input,
 * and what is put beside each sample of a batch of one is laid out for all. Whether it still computes the same has to be tried.
 *
 * @param traced - the same on a batch of the size that it was made for, so that constant shapes are known
 */
export function forAnyBatch(graph: Graph, traced: Traced, input: string): Graph {
  const rows = traced.values.get(input)?.dims[0] ?? 1;
  const varying = downstream(graph, [input]);
  const b = new Builder(graph);
  const inBodies = new Set(graph.nodes.flatMap(implicitInputs));
  const nodes = graph.nodes.map((node): Node => {
    if (isConcat(node) && rows === 1) return beside(b, graph, input, node);
    const at = shapeInput(node);
    const name = at && node.inputs[at.input];
    if (name === undefined || varying.has(name)) return node;
    const shape = traced.graph.initializers.get(name);
    if (shape?.type !== 'int64' || inBodies.has(name)) return node;
    const dims = Array.from(shape.data, Number);
    const loose = at?.infers ? reshaped(b, dims, rows) : undefined;
    const made = loose ?? (dims[0] === rows ? computed(b, input, dims) : undefined);
    if (made === undefined) return node;
    return { ...node, inputs: node.inputs.map((other, i) => (i === at?.input ? made : other)) };
  });
  const built = b.build(graph.outputs.map(open), graph.name);
  return {
    ...built,
    inputs: built.inputs.map((info) => (info.name === input ? open(info) : info)),
    nodes: [...built.nodes.slice(graph.nodes.length), ...nodes],
  };
}

/**
 * A Concat of something of each sample with a parameter for one sample, such as a class token: exporters
 * fold what lays it out for every sample.
 */
function beside(b: Builder, graph: Graph, input: string, node: Node): Node {
  const laidOut = (name: string) => {
    const { dims = [] } = graph.initializers.get(name) ?? {};
    const axis = axisOf(intOf(node, 'axis', 0), dims.length);
    if (dims[0] !== 1 || dims.length < 2 || axis === 0) return name;
    return b.op('Expand', [name, computed(b, input, dims)], {}, `${name} for any batch`);
  };
  const known = node.inputs.every((name) => graph.initializers.has(name));
  return known ? node : { ...node, inputs: node.inputs.map(laidOut) };
}

/** With the batch axis left open. */
function open(info: ValueInfo): ValueInfo {
  return info.dims ? { ...info, dims: ['N', ...info.dims.slice(1)] } : info;
}

/** A constant shape for Reshape in which the first dim is whatever is left over. */
function reshaped(b: Builder, dims: readonly number[], rows: number): string | undefined {
  const [first = 0, ...rest] = dims;
  if (first <= 0 || first % rows !== 0 || rest.some((dim) => dim <= 0)) return undefined;
  return b.initializer('any batch', int64([dims.length], [-1, ...rest]));
}

/** The shape with the number of the input's rows in front. */
function computed(b: Builder, input: string, dims: readonly number[]): string {
  const shape = b.op('Shape', [input], {}, 'shape of the batch');
  const rows = b.op('Gather', [shape, b.ints([0])], { axis: 0 }, 'rows of the batch');
  return b.op('Concat', [rows, b.ints(dims.slice(1))], { axis: 0 }, 'any batch');
}

/** Whether two outputs agree as far as rounding goes. */
export function agree(a: TensorOf<'float32'>, b: TensorOf<'float32'>): boolean {
  if (a.data.length !== b.data.length) return false;
  const most = a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.data.every((value, i) => Math.abs(value - (b.data[i] as number)) <= 1e-4 * most + 1e-6);
}
