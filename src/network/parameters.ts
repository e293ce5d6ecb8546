import { producers, upstream } from '../graph/index.ts';
import { type Graph, isConstant, type Model, type Node } from '../onnx/index.ts';
import { isArithmetic, movedInputs, weightInputs } from '../ops/index.ts';

/**
 * Float initializers that are weights, biases, scales or shifts on the way to a value. They may be
 * transposed, sliced, concatenated or repeated before an operator reads them.
 *
 * @param literals - values of Constant nodes (see `literalsOf`): in additions and multiplications they are
 *   part of a formula, not weights
 */
export function parametersOf(
  graph: Graph,
  value: string,
  literals: ReadonlySet<string> = new Set(),
): string[] {
  const needed = upstream(graph, [value]);
  const made = producers(graph);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    const read = weightInputs(node).map((index) => node.inputs[index] ?? '');
    for (const name of sources(read, made)) {
      const tensor = graph.initializers.get(name);
      if (tensor?.type !== 'float32' || tensor.dims.length === 0) continue;
      // Such a number may be part of a formula: x / √2, x - mean.
      if (!isArithmetic(node) || !literals.has(name)) found.add(name);
    }
  }
  return [...found];
}

/** Values of Constant nodes, which normalization turns into initializers. */
export function literalsOf({ graph }: Model): Set<string> {
  return new Set(graph.nodes.filter(isConstant).flatMap(({ outputs }) => outputs));
}

/** The values, and those that they are copies of, transposed, sliced or the like. */
function sources(values: readonly string[], made: ReadonlyMap<string, Node>): Set<string> {
  const reached = new Set(values);
  for (const value of reached) {
    const node = made.get(value);
    for (const input of node ? movedInputs(node) : []) reached.add(input);
  }
  return reached;
}
