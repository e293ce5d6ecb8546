import { subgraphsOf, usedNames, type Graph, type Node, type ValueInfo } from '../onnx/index.ts';

/** One read of a value. */
export interface Use {
  readonly node: Node;
  /** Index of the node's input; -1 where only the body of an If, Loop or Scan reads the value. */
  readonly index: number;
}

/** The node that produces each value. */
export function producers(graph: Graph): Map<string, Node> {
  const made = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) made.set(output, node);
  return made;
}

/** Maps each value to its reads, including those in subgraphs of control flow. */
export function consumers(graph: Graph): Map<string, Use[]> {
  const uses = new Map<string, Use[]>();
  const note = (value: string, use: Use) => {
    const list = uses.get(value);
    if (list) list.push(use);
    else uses.set(value, [use]);
  };
  for (const node of graph.nodes) {
    for (const [index, input] of node.inputs.entries()) {
      if (input !== '') note(input, { node, index });
    }
    if (subgraphsOf(node).length === 0) continue;
    for (const value of usedNames(node)) {
      if (!node.inputs.includes(value)) note(value, { node, index: -1 });
    }
  }
  return uses;
}

/** All values that depend on one of `values`, and `values` themselves. */
export function downstream(graph: Graph, values: Iterable<string>): Set<string> {
  const reached = new Set(values);
  for (const node of graph.nodes) {
    if ([...usedNames(node)].some((value) => reached.has(value))) {
      for (const output of node.outputs) reached.add(output);
    }
  }
  return reached;
}

/** All values that one of `values` depends on, and `values` themselves. */
export function upstream(graph: Graph, values: Iterable<string>): Set<string> {
  const needed = new Set(values);
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((output) => needed.has(output))) {
      for (const value of usedNames(node)) needed.add(value);
    }
  }
  return needed;
}

/**
 * Extracts the part of a graph that computes `outputs` from `inputs`. Inputs of the whole graph that this
 * part needs stay inputs.
 */
export function subgraph(
  graph: Graph,
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
): Graph {
  const fed = new Set(inputs.map((input) => input.name));
  const needed = new Set(outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output) && !fed.has(output))) continue;
    nodes.unshift(node);
    for (const input of [...node.inputs, ...implicitInputs(node)]) needed.add(input);
  }
  const initializers = [...graph.initializers].filter(([name]) => needed.has(name));
  const kept = graph.inputs.filter((input) => needed.has(input.name) && !fed.has(input.name));
  return {
    name: graph.name,
    inputs: [...inputs, ...kept],
    outputs,
    nodes,
    initializers: new Map(initializers.filter(([name]) => !fed.has(name))),
  };
}

/** Values that the subgraphs of a control-flow node read from outer scopes (and some of their own). */
export function implicitInputs(node: Node): string[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    typeof attribute === 'object' && 'nodes' in attribute
      ? attribute.nodes.flatMap((inner) => [...inner.inputs, ...implicitInputs(inner)])
      : [],
  );
}
