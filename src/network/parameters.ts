import { producers, upstream } from '../graph/index.ts';
import { type Graph, isConstant, type Model, type Node } from '../onnx/index.ts';
import { isArithmetic, movedInputs, weightInputs } from '../ops/index.ts';

/**
 * Float initializers that are weights, biases, scales or shifts on the way to a value, whether an
 * operator reads them as they are or transposed, cut, joined or repeated first.
 *
 * @param literals - values that the model writes as Constant nodes (see `literalsOf`): where they
 *   are added or multiplied, they are part of a formula and not weights
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

/** Values that a file has as Constant nodes, which are initializers once it is normalized. */
export function literalsOf({ graph }: Model): Set<string> {
  return new Set(graph.nodes.filter(isConstant).flatMap(({ outputs }) => outputs));
}

/** The values, and those whose numbers they hand on. */
function sources(values: readonly string[], made: ReadonlyMap<string, Node>): Set<string> {
  const reached = new Set(values);
  for (const value of reached) {
    const node = made.get(value);
    for (const input of node ? movedInputs(node) : []) reached.add(input);
  }
  return reached;
}
