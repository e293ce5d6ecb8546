import { subgraphsOf, usedNames, type Graph, type Node, type ValueInfo } from '../onnx/index.ts';

/** One place where a value is read. */
export interface Use {
  readonly node: Node;
  /** Which input of the node it is; -1 where only the body of an If, Loop or Scan reads it. */
  readonly index: number;
}

/** The node that produces each value. */
export function producers(graph: Graph): Map<string, Node> {
  const made = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) made.set(output, node);
  return made;
}

/** Where each value is read, in the bodies of control flow too. */
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

/** Every value that depends on one of these, themselves among them. */
export function downstream(graph: Graph, values: Iterable<string>): Set<string> {
  const reached = new Set(values);
  for (const node of graph.nodes) {
    if ([...usedNames(node)].some((value) => reached.has(value))) {
      for (const output of node.outputs) reached.add(output);
    }
  }
  return reached;
}

/** Every value that one of these depends on, themselves among them. */
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
 * The part of a graph between values: what is needed for `outputs` when `inputs` are fed. Inputs of
 * the whole graph that are still needed stay inputs.
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

/** Names that the bodies of a control-flow node read from around it (and some of their own). */
export function implicitInputs(node: Node): string[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    typeof attribute === 'object' && 'nodes' in attribute
      ? attribute.nodes.flatMap((inner) => [...inner.inputs, ...implicitInputs(inner)])
      : [],
  );
}
