import { type Graph, usedNames } from '../onnx/index.ts';
import { dependsOnDims } from '../ops/index.ts';

/**
 * The values on paths from the inputs of a graph to one of its values, in topological order. A path leads
 * from a node's inputs to its outputs. No path starts at a constant, and none leads through a node that
 * reads only the dims of a value, such as Shape.
 */
interface ValuesBetween {
  readonly values: readonly string[];
  /** For each value, the index of the last value that a node computes from it. */
  readonly furthest: readonly number[];
}

/**
 * The values through which every path from the inputs of a graph to one of its values leads: the
 * dominators of that value. The time is linear in the size of the graph.
 *
 * Of an acyclic graph in topological order, keep only the values between inputs and sink. A value then
 * dominates the sink if no edge leads from before it to after it.
 *
 * @param graph - its nodes are in topological order
 * @param sink - a value of the graph; it is part of the result
 * @returns an empty set if no path leads to the sink
 */
export function valuesOnEveryPath(graph: Graph, sink: string): Set<string> {
  const { values, furthest } = valuesBetween(graph, sink);
  const inputs = new Set(inputsOf(graph));
  // A path may start at any input.
  const starts = values.findLastIndex((value) => inputs.has(value));
  const found = new Set<string>();
  let reach = starts;
  for (const [index, value] of values.entries()) {
    if (reach <= index) found.add(value);
    reach = Math.max(reach, furthest[index] as number);
  }
  return found;
}

/** Whether every path from the inputs of a graph to one of its values leads through any of `crossed`. */
export function everyPathCrosses(
  graph: Graph,
  sink: string,
  crossed: ReadonlySet<string>,
): boolean {
  const reached = new Set(inputsOf(graph).filter((name) => !crossed.has(name)));
  for (const node of graph.nodes) {
    if (dependsOnDims(node)) continue;
    if (![...usedNames(node)].some((name) => reached.has(name))) continue;
    for (const output of node.outputs) if (!crossed.has(output)) reached.add(output);
  }
  return !reached.has(sink);
}

/** The inputs without initializers, which files of IR version 3 and below list as inputs too. */
function inputsOf({ inputs, initializers }: Graph): string[] {
  return inputs.map(({ name }) => name).filter((name) => !initializers.has(name));
}

function valuesBetween(graph: Graph, sink: string): ValuesBetween {
  const nodes = graph.nodes
    .filter((node) => !dependsOnDims(node))
    .map((node) => ({
      from: [...usedNames(node)],
      to: node.outputs.filter((name) => name !== ''),
    }));
  const needed = new Set([sink]);
  for (const { from, to } of nodes.toReversed()) {
    if (to.some((name) => needed.has(name))) for (const name of from) needed.add(name);
  }
  const indices = new Map<string, number>();
  const add = (value: string) => {
    if (needed.has(value) && !indices.has(value)) indices.set(value, indices.size);
  };
  for (const name of inputsOf(graph)) add(name);
  for (const { from, to } of nodes) {
    if (from.some((name) => indices.has(name))) for (const name of to) add(name);
  }
  const furthest: number[] = Array.from({ length: indices.size }, () => -1);
  for (const { from, to } of nodes) {
    const last = to.reduce((last, name) => Math.max(last, indices.get(name) ?? -1), -1);
    for (const name of from) {
      const index = indices.get(name);
      if (index !== undefined) furthest[index] = Math.max(furthest[index] as number, last);
    }
  }
  return { values: [...indices.keys()], furthest };
}

/** Those of some values of a graph from which no path leads to another of them. */
export function lastOf(graph: Graph, values: ReadonlySet<string>): Set<string> {
  const before = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => values.has(name) || before.has(name))) continue;
    for (const name of usedNames(node)) before.add(name);
  }
  return new Set([...values].filter((value) => !before.has(value)));
}
