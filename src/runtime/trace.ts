import type { Graph, Node, Tensor } from '../onnx/index.ts';
import { captured, modelOf, type Traced, type ValueType } from '../graph/index.ts';
import type { Feeds, Runtime } from './runtime.ts';

/** Operators whose output is not determined by their inputs. */
const RANDOM = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
  'Dropout',
]);
/** Operators whose output depends on the dims of their input only. */
const SHAPES = new Set(['Shape', 'Size']);

/**
 * Runs a graph once with every value as an output, and so learns the type and dims of each. What is
 * then known before any run (constants, and the arithmetic of shapes) becomes an initializer, unless
 * it is a value named in `keep`.
 *
 * @param feeds - a sample for every input, of the size to specialise the graph to
 * @param keep - initializers that will change (parameters), so that what depends on them is kept
 * @throws RuntimeFault when the graph does not run on the sample
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

  const kept = new Set(keep);
  const known = new Set([...graph.initializers.keys()].filter((name) => !kept.has(name)));
  const initializers = new Map(graph.initializers);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (isKnown(node, known)) {
      for (const output of node.outputs) {
        const tensor = results[output];
        if (!tensor) continue;
        known.add(output);
        initializers.set(output, tensor);
      }
    } else nodes.push(node);
  }
  return { graph: { ...graph, nodes, initializers }, values };
}

async function runAll(
  runtime: Runtime,
  graph: Graph,
  opset: number,
  feeds: Feeds,
): Promise<Record<string, Tensor>> {
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  if (names.length === 0) return {};
  const model = modelOf({ ...graph, outputs: names.map((name) => ({ name })) });
  const opsets = new Map([...model.opsets, ['', opset]]);
  const session = await runtime.open({ ...model, opsets }, { optimise: 'none' });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

function isKnown(node: Node, known: ReadonlySet<string>): boolean {
  if (RANDOM.has(node.op)) return false;
  if (SHAPES.has(node.op)) return true;
  return [...node.inputs, ...captured(node)].every((input) => input === '' || known.has(input));
}
