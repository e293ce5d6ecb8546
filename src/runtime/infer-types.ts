import { subgraph, type Traced, type ValueType } from '../graph/index.ts';
import type { Graph, Node, Tensor } from '../onnx/index.ts';
import { outputOfDims } from '../ops/index.ts';
import type { Feeds, Runtime } from './runtime.ts';
import { foldableNodes, openAllOutputs, foldConstants, trace } from './trace.ts';

/** Floats of so many elements are weights, on which no shape depends. */
const WEIGHTS = 1024;

/**
 * What `trace` says, without running the network where ONNX Runtime's own shape inference knows the
 * type and dims of every value: weights are then neither copied nor multiplied. Only the arithmetic of
 * shapes is run. Where inference leaves a value open, the network is run after all.
 *
 * @param feeds - a sample for every input, of the size to specialize the graph to
 * @param keep - initializers that will change (parameters), so that what depends on them is kept
 * @throws RuntimeError when ONNX Runtime refuses the graph
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
    const { values, open } = await typesIn(runtime, now, opset, feeds);
    const found = await constantsOf(runtime, now, opset, keep, values);
    now = foldConstants(now, keep, found);
    Object.assign(constants, found);
    const left = open.filter((name) => !found[name]);
    if (left.length === 0) {
      for (const [name, { type, dims }] of Object.entries(constants)) {
        values.set(name, { type, dims: [...dims] });
      }
      return { graph: now, values };
    }
    // Shapes that are known now may tell more of them.
    if (Object.keys(found).length === 0) return trace(runtime, graph, opset, feeds, keep);
  }
}

/** The type and dims of values as inferred, and the values of which they are not known. */
async function typesIn(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
): Promise<{ values: Map<string, ValueType>; open: string[] }> {
  const values = new Map<string, ValueType>();
  const note = (name: string, { type, dims }: ValueType) => values.set(name, { type, dims });
  for (const [name, tensor] of [...Object.entries(feeds), ...graph.initializers])
    note(name, tensor);
  const weights = [...graph.initializers].filter(
    ([, { type, data }]) => type === 'float32' && data.length >= WEIGHTS,
  );
  const known = new Map(graph.initializers);
  for (const [name] of weights) known.delete(name);
  const inputs = [
    ...graph.inputs.map((input) => ({ ...input, dims: feeds[input.name]?.dims ?? [] })),
    ...weights.map(([name, { type, dims }]) => ({ name, type, dims })),
  ];
  const session = await openAllOutputs(runtime, { ...graph, inputs, initializers: known }, opset);
  if (!session) return { values, open: [] };
  try {
    for (const [name, type] of session.types) note(name, type);
    return { values, open: session.outputs.filter((name) => !session.types.has(name)) };
  } finally {
    await session.dispose();
  }
}

/** What depends on no input, or on the dims of one only. */
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
