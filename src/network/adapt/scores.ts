import { Builder, producers, type Traced } from '../../graph/index.ts';
import { float32, type Graph, sizeOf, type TensorOf } from '../../onnx/index.ts';
import { keepsOrder, traitsOf } from '../../ops/index.ts';
import { NetworkError } from '../error.ts';

/** The class scores of a graph. */
export interface Scores {
  /** The graph, perhaps with one or two added nodes. */
  readonly graph: Graph;
  /** Logits: dims [batch, classes]. */
  readonly scores: string;
  /** Initializers that were added. */
  readonly constants: readonly string[];
}

/**
 * Finds the logits of an output: the input of a final Softmax or Sigmoid; the logarithm of the output if it
 * gives probabilities in another way; else the output itself. One score per sample means two classes: the
 * second one if the score is above 0 (above 1/2 after a Sigmoid).
 *
 * @param probe - computes the output for some samples
 * @throws NetworkError 'network/model-shape' if there is no score for each class
 */
export async function scoresOf(
  traced: Traced,
  graph: Graph,
  output: string,
  probe: () => Promise<TensorOf<'float32'>>,
): Promise<Scores> {
  const nodes = producers(traced.graph);
  const widthOf = (value: string) => sizeOf(traced.values.get(value)?.dims.slice(1) ?? [0]);
  const width = widthOf(output);
  let value = output;
  let node = nodes.get(value);
  while (node && keepsOrder(node) && widthOf(node.inputs[0] as string) === width) {
    value = node.inputs[0] as string;
    node = nodes.get(value);
  }
  const made = node && traitsOf(node).scores;
  const squashed = made === 'probabilities';
  const logits = squashed ? (node?.inputs[0] as string) : output;
  const dims = traced.values.get(logits)?.dims ?? [];
  if (dims.length < 2 || dims.slice(2).some((dim) => dim !== 1) || widthOf(logits) !== width) {
    throw new NetworkError(
      'network/model-shape',
      `The model's output "${output}" has dims [${traced.values.get(output)?.dims.join(', ')}]: it must have a score for each class, [batch, classes]`,
    );
  }
  const b = new Builder(graph);
  const constants: string[] = [];
  let scores = dims.length === 2 ? logits : b.op('Flatten', [logits], { axis: 1 }, 'scores');
  if (width === 1) {
    constants.push(b.initializer('two classes', float32([1, 2], [-0.5, 0.5])));
    scores = b.op('Mul', [scores, constants[0] as string], {}, 'scores');
  } else if (made === undefined && areProbabilities(await probe())) {
    constants.push(b.initializer('least probability', float32([], [1e-30])));
    scores = b.op(
      'Log',
      [b.op('Max', [scores, constants[0] as string], {}, 'probabilities above 0')],
      {},
      'scores',
    );
  }
  return {
    graph: scores === logits ? graph : b.build(graph.outputs, graph.name),
    scores,
    constants,
  };
}

/** Rows of at least two numbers from 0 to 1 that add up to 1. */
function areProbabilities({ dims, data }: TensorOf<'float32'>): boolean {
  const width = sizeOf(dims.slice(1));
  for (let row = 0; row < data.length; row += width) {
    const values = data.subarray(row, row + width);
    const total = values.reduce((a, b) => a + b, 0);
    if (!(Math.abs(total - 1) < 1e-3) || values.some((value) => value < 0 || value > 1))
      return false;
  }
  return width > 1;
}
