import { producers, upstream } from '../graph/index.ts';
import type { Graph, Model, Node } from '../onnx/index.ts';

/** Inputs of operators at which an initializer is a weight to train, not a setting. */
const TRAINED: Readonly<Record<string, readonly number[]>> = {
  Add: [0, 1],
  BatchNormalization: [1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Div: [0],
  Einsum: [0, 1],
  GRU: [1, 2, 3],
  Gather: [0],
  Gemm: [1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LSTM: [1, 2, 3],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  Mul: [0, 1],
  PRelu: [1],
  RNN: [1, 2, 3],
  Sub: [0, 1],
};

/** Operators at which a number may as well be part of the formula: x / √2, x - mean. */
const FORMULA = new Set(['Add', 'Div', 'Mul', 'Sub']);

/** Operators that hand the numbers of an input on: exporters leave them between a weight and its use. */
const MOVING: Readonly<Record<string, 'first' | 'all'>> = {
  Cast: 'first',
  Concat: 'all',
  Expand: 'first',
  Flatten: 'first',
  Gather: 'first',
  GatherND: 'first',
  Identity: 'first',
  Pad: 'first',
  Reshape: 'first',
  Slice: 'first',
  Split: 'first',
  Squeeze: 'first',
  Tile: 'first',
  Transpose: 'first',
  Unsqueeze: 'first',
};

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
    if (node.domain !== '' || !node.outputs.some((output) => needed.has(output))) continue;
    const read = (TRAINED[node.op] ?? []).map((index) => node.inputs[index] ?? '');
    for (const name of sources(read, made)) {
      const tensor = graph.initializers.get(name);
      if (tensor?.type !== 'float32' || tensor.dims.length === 0) continue;
      if (!FORMULA.has(node.op) || !literals.has(name)) found.add(name);
    }
  }
  return [...found];
}

/** Values that a file has as Constant nodes, which are initializers once it is normalized. */
export function literalsOf({ graph }: Model): Set<string> {
  const constants = graph.nodes.filter(({ op, domain }) => op === 'Constant' && domain === '');
  return new Set(constants.flatMap(({ outputs }) => outputs));
}

/** The values, and those whose numbers they hand on. */
function sources(values: readonly string[], made: ReadonlyMap<string, Node>): Set<string> {
  const reached = new Set(values);
  for (const value of reached) {
    const node = made.get(value);
    const moving = node?.domain === '' ? MOVING[node.op] : undefined;
    if (!node || !moving) continue;
    for (const input of moving === 'all' ? node.inputs : node.inputs.slice(0, 1))
      reached.add(input);
  }
  return reached;
}
