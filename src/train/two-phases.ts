import { captured, subgraph } from '../graph/index.ts';
import type { Graph, Node } from '../onnx/index.ts';

/** A graph in two parts, to be run one after the other. */
export interface Phases {
  readonly first: Graph;
  readonly second: Graph;
  /** What the first makes and the second reads. */
  readonly between: readonly string[];
}

/**
 * Cuts a graph in two, so that some of its inputs may depend on some of its values: the first part makes
 * those, and nothing is computed twice, since the second is given all that it needs of the first.
 *
 * @param early - values that are wanted before the second part runs
 */
export function inTwo(graph: Graph, early: readonly string[]): Phases {
  const wanted = early.map((name) => ({ name }));
  const above = subgraph(graph, [], wanted);
  const made = new Set(above.nodes);
  const rest = graph.nodes.filter((node: Node) => !made.has(node));
  const read = new Set([
    ...rest.flatMap((node) => [...node.inputs, ...captured(node)]),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const between = above.nodes.flatMap(({ outputs }) => outputs.filter((name) => read.has(name)));
  const outputs = [...new Set([...early, ...between])].map((name) => ({ name }));
  return {
    first: { ...above, outputs },
    second: subgraph(
      graph,
      between.map((name) => ({ name })),
      graph.outputs,
    ),
    between,
  };
}
