import { implicitInputs, subgraph } from '../graph/index.ts';
import type { Graph, Node } from '../onnx/index.ts';

/** A graph in two parts, to be run one after the other. */
export interface SplitGraph {
  readonly first: Graph;
  readonly second: Graph;
  /** Values that the first part computes and the second part takes as inputs. */
  readonly boundary: readonly string[];
}

/**
 * Splits a graph in two, so that inputs of the second part can be computed from outputs of the first.
 * No node is in both parts.
 *
 * @param early - values that the caller needs before the second part runs
 */
export function splitGraph(graph: Graph, early: readonly string[]): SplitGraph {
  const first = subgraph(
    graph,
    [],
    early.map((name) => ({ name })),
  );
  const inFirst = new Set(first.nodes);
  const rest = graph.nodes.filter((node: Node) => !inFirst.has(node));
  const read = new Set([
    ...rest.flatMap((node) => [...node.inputs, ...implicitInputs(node)]),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const boundary = first.nodes.flatMap(({ outputs }) => outputs.filter((name) => read.has(name)));
  const outputs = [...new Set([...early, ...boundary])].map((name) => ({ name }));
  return {
    first: { ...first, outputs },
    second: subgraph(
      graph,
      boundary.map((name) => ({ name })),
      graph.outputs,
    ),
    boundary,
  };
}
