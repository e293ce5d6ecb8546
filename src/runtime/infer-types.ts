import { subgraph, type Traced, type ValueType } from '../graph/index.ts';
import type { Graph, Node, Tensor } from '../onnx/index.ts';
import { outputOfDims } from '../ops/index.ts';
import type { Feeds, Runtime } from './runtime.ts';
import { foldableNodes, openAllOutputs, foldConstants, trace } from './trace.ts';

/** Float tensors with at least this many elements are weights: no shape depends on their values. */
const WEIGHT_ELEMENTS = 1024;

/**
 * Gives the result of `trace` without a run of the network, if ONNX Runtime's shape inference finds the type
 * and dims of every value: only shape computations run, and weights are not copied. Where inference leaves a
 * value unknown, calls `trace`.
 *
 * @param feeds - one sample for every input; the graph is specialized to its dims
 * @param keep - initializers that will change (parameters): nodes that depend on them are not folded
 * @throws RuntimeError where ONNX Runtime does not load the graph
 */
export async function inferTypes(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
  keep: readonly string[] = [],
): Promise<Traced> {
  const constants: Record<string, Tensor> = {};
  for (let now = graph; ;) {
    const { values, unknown } = await typesIn(runtime, now, opset, feeds);
    const found = await constantsOf(runtime, now, opset, keep, values);
    now = foldConstants(now, keep, found);
    Object.assign(constants, found);
    const left = unknown.filter((name) => !found[name]);
    if (left.length === 0) {
      for (const [name, { type, dims }] of Object.entries(constants)) {
        values.set(name, { type, dims: [...dims] });
      }
      return { graph: now, values };
    }
    // The next round may infer more from the shapes that are constant now.
    if (Object.keys(found).length === 0) return trace(runtime, graph, opset, feeds, keep);
  }
}

/** The inferred types and dims, and the values for which they are unknown. */
async function typesIn(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
): Promise<{ values: Map<string, ValueType>; unknown: string[] }> {
  const values = new Map<string, ValueType>();
  const note = (name: string, { type, dims }: ValueType) => values.set(name, { type, dims });
  for (const [name, tensor] of [...Object.entries(feeds), ...graph.initializers])
    note(name, tensor);
  const weights = [...graph.initializers].filter(
    ([, { type, data }]) => type === 'float32' && data.length >= WEIGHT_ELEMENTS,
  );
  const known = new Map(graph.initializers);
  for (const [name] of weights) known.delete(name);
  const inputs = [
    ...graph.inputs.map((input) => ({ ...input, dims: feeds[input.name]?.dims ?? [] })),
    ...weights.map(([name, { type, dims }]) => ({ name, type, dims })),
  ];
  const session = await openAllOutputs(runtime, { ...graph, inputs, initializers: known }, opset);
  if (!session) return { values, unknown: [] };
  try {
    for (const [name, type] of session.types) note(name, type);
    return { values, unknown: session.outputs.filter((name) => !session.types.has(name)) };
  } finally {
    await session.dispose();
  }
}

/** Computes the values that depend on no input, or only on the dims of one. */
async function constantsOf(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  keep: readonly string[],
  values: ReadonlyMap<string, ValueType>,
): Promise<Record<string, Tensor>> {
  const made: Record<string, Tensor> = {};
  const nodes: Node[] = [];
  for (const node of foldableNodes(graph, keep, (value) => values.has(value))) {
    const of = values.get(node.inputs[0] ?? '');
    const shape = of && outputOfDims(node, of.dims);
    if (shape) made[node.outputs[0] as string] = shape;
    else nodes.push(node);
  }
  if (nodes.length === 0) return made;
  const initializers = new Map([...graph.initializers, ...Object.entries(made)]);
  const outputs = nodes.flatMap((node) => node.outputs.filter((name) => name !== ''));
  const part = subgraph(
    { ...graph, nodes, initializers },
    [],
    outputs.map((name) => ({ name })),
  );
  const session = await openAllOutputs(runtime, part, opset);
  try {
    return { ...made, ...(await session?.run({})) };
  } finally {
    await session?.dispose();
  }
}
