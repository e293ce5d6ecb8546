import type { Graph, Node, Tensor } from '../onnx/index.ts';
import { implicitInputs, modelOf, type Traced, type ValueType } from '../graph/index.ts';
import { dependsOnDims, isRandom } from '../ops/index.ts';
import { freeTensor } from './free-tensor.ts';
import type { Feeds, Runtime, Session } from './runtime.ts';

/**
 * Runs a graph once with every value as an output to find the type and dims of each. Constant
 * subexpressions, among them shape computations, are folded into initializers.
 *
 * @param feeds - one sample for every input; the graph is specialized to its dims
 * @param keep - initializers that will change (parameters): nodes that depend on them are not folded
 * @throws RuntimeError where the graph does not run on the sample
 */
export async function trace(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
  keep: readonly string[] = [],
): Promise<Traced> {
  const results = await runAll(runtime, graph, opset, feeds);
  const values = new Map<string, ValueType>();
  const note = (name: string, { type, dims }: Tensor) =>
    values.set(name, { type, dims: [...dims] });
  for (const [name, tensor] of Object.entries(feeds)) note(name, tensor);
  for (const [name, tensor] of graph.initializers) note(name, tensor);
  for (const [name, tensor] of Object.entries(results)) note(name, tensor);

  const known = foldConstants(graph, keep, results);
  for (const [name, tensor] of Object.entries(results)) {
    if (known.initializers.get(name) !== tensor) freeTensor(tensor);
  }
  return { graph: known, values };
}

/** Replaces the nodes whose outputs are constant by initializers. */
export function foldConstants(
  graph: Graph,
  keep: readonly string[],
  results: Readonly<Record<string, Tensor>>,
): Graph {
  const initializers = new Map(graph.initializers);
  const constant = new Set<Node>();
  for (const node of foldableNodes(graph, keep)) {
    if (node.outputs.some((output) => output !== '' && !results[output])) continue;
    constant.add(node);
    for (const output of node.outputs) {
      const tensor = results[output];
      if (tensor) initializers.set(output, tensor);
    }
  }
  return { ...graph, nodes: graph.nodes.filter((node) => !constant.has(node)), initializers };
}

/**
 * The nodes whose outputs depend on no input (but its dims) and no initializer of `keep`.
 *
 * @param hasDims - whether the dims of a value are known
 */
export function foldableNodes(
  graph: Graph,
  keep: readonly string[],
  hasDims: (value: string) => boolean = () => true,
): Node[] {
  const kept = new Set(keep);
  const known = new Set([...graph.initializers.keys()].filter((name) => !kept.has(name)));
  return graph.nodes.filter((node) => {
    if (dependsOnDims(node) ? !hasDims(node.inputs[0] ?? '') : !isKnown(node, known)) return false;
    for (const output of node.outputs) known.add(output);
    return true;
  });
}

/** Opens a session that outputs every value of a graph; undefined where the graph has no nodes. */
export async function openAllOutputs(
  runtime: Runtime,
  graph: Graph,
  opset: number,
): Promise<Session | undefined> {
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  if (names.length === 0) return undefined;
  const model = modelOf({ ...graph, outputs: names.map((name) => ({ name })) });
  const opsets = new Map([...model.opsets, ['', opset]]);
  return runtime.open({ ...model, opsets }, { optimize: 'none' });
}

async function runAll(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
): Promise<Record<string, Tensor>> {
  const session = await openAllOutputs(runtime, graph, opset);
  if (!session) return {};
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

function isKnown(node: Node, known: ReadonlySet<string>): boolean {
  if (isRandom(node)) return false;
  return [...node.inputs, ...implicitInputs(node)].every(
    (input) => input === '' || known.has(input),
  );
}
