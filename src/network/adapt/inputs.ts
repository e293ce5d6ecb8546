import { Builder, downstream, upstream } from '../../graph/index.ts';
import type { Graph, Node, ValueInfo } from '../../onnx/index.ts';
import { asStandard, ML } from '../../ops/index.ts';
import { NetworkError } from '../error.ts';

/**
 * The only input that an output depends on.
 *
 * @param output - default: all outputs together
 * @throws NetworkError 'network/output', 'network/model-shape'
 */
export function inputOf(graph: Graph, output?: string): ValueInfo {
  const { inputs, outputs } = graph;
  const named = outputs.filter(({ name }) => output === undefined || name === output);
  if (named.length === 0) {
    throw new NetworkError(
      'network/output',
      `The model has no output "${output}": its outputs are ${listed(outputs)}`,
    );
  }
  const needed = upstream(
    graph,
    named.map(({ name }) => name),
  );
  const [input, ...others] = inputs.filter(({ name }) => needed.has(name));
  if (input && others.length === 0) return input;
  throw new NetworkError(
    'network/model-shape',
    `The model has ${inputs.length} inputs (${listed(inputs)}): give a model with one input`,
  );
}

const listed = (infos: readonly ValueInfo[]): string =>
  infos.map(({ name }) => `"${name}"`).join(', ');

/** A rewritten graph, and the initializers that were added. */
export interface Standardized {
  readonly graph: Graph;
  readonly constants: readonly string[];
}

/**
 * Rewrites a graph with standard operators only: scikit-learn's Scaler becomes arithmetic, and nodes that
 * turn scores into class names are removed with all that follows them.
 *
 * @throws NetworkError 'network/operator' if no output is left
 */
export function standardized(graph: Graph): Standardized {
  if (graph.nodes.every(({ domain }) => domain !== ML)) return { graph, constants: [] };
  const b = new Builder(graph);
  const nodes = graph.nodes.flatMap((node) => asStandard(b, node) ?? [node]);
  const nonStandard = nodes.filter(({ domain }) => domain === ML);
  const cut = downstream(
    { ...graph, nodes },
    nonStandard.flatMap((node) => node.outputs),
  );
  const outputs = graph.outputs.filter(({ name }) => !cut.has(name));
  if (outputs.length === 0) {
    throw new NetworkError(
      'network/operator',
      `Every output of the model depends on ${nonStandard[0]?.op} of ${ML}, which cannot be fine-tuned: give a network of standard operators, such as an MLPClassifier exported with options={'zipmap': False}`,
    );
  }
  const made = b.build(outputs, graph.name);
  return {
    graph: {
      ...made,
      nodes: nodes.filter((node) => !node.outputs.some((output) => cut.has(output))),
    },
    constants: [...made.initializers.keys()].filter((name) => !graph.initializers.has(name)),
  };
}

/** ONNX's codes of the integer types that an input may have. */
const INTEGER_TYPES: Readonly<Record<string, number>> = {
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  uint32: 12,
  uint64: 13,
};

/**
 * Rewrites a graph with an integer input to take float32, which it rounds. The new input has another name.
 *
 * @throws NetworkError 'network/model-shape' if the input does not take numbers
 */
export function withFloatInput(
  graph: Graph,
  name: string,
): { readonly graph: Graph; readonly input: string } {
  const info = graph.inputs.find((input) => input.name === name) as ValueInfo;
  if (info.type === 'float32') return { graph, input: name };
  const to = INTEGER_TYPES[info.type ?? ''];
  if (to === undefined) {
    throw new NetworkError(
      'network/model-shape',
      `The model's input "${name}" takes ${info.type ?? 'values of unknown type'}: give a network that takes numbers`,
    );
  }
  const b = new Builder(graph);
  const input = b.fresh(`${name}.float`);
  const rounded = b.op('Round', [input], {}, `${name}.rounded`);
  const cast: Node = {
    op: 'Cast',
    domain: '',
    name: `${name}.whole`,
    inputs: [rounded],
    outputs: [name],
    attributes: { to },
  };
  const made = b.build(graph.outputs, graph.name);
  return {
    graph: {
      ...made,
      inputs: graph.inputs.map((other) =>
        other.name === name ? { ...other, name: input, type: 'float32' } : other,
      ),
      nodes: [...made.nodes.slice(graph.nodes.length), cast, ...graph.nodes],
    },
    input,
  };
}
