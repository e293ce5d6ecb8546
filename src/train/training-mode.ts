import { Builder, consumers, floatOf } from '../graph/index.ts';
import { float, type Graph, type Node, type Tensor } from '../onnx/index.ts';
import { traitsOf } from '../ops/index.ts';

/** The mode of Dropout and BatchNormalization during training, see `LossSettings`. */
export type TrainingMode = 'as written' | 'dropout' | 'training';

/** A graph in training mode. */
export interface TrainingModeGraph {
  readonly graph: Graph;
  /** For each running statistic, its initializer and the value that holds it after the batch. */
  readonly running: readonly (readonly [now: string, next: string])[];
}

/**
 * Puts a graph into training mode, as PyTorch's `train()`: Dropout is active, and BatchNormalization
 * uses batch statistics and updates its running statistics (with the population variance, as ONNX
 * defines it).
 *
 * A BatchNormalization that shares its statistics with another node stays in inference mode: updating
 * them would change the other node.
 *
 * @param seed - seed of Dropout
 * @param mode - 'dropout' changes Dropout only; 'as written' changes nothing
 */
export function toTrainingMode(
  graph: Graph,
  seed: number,
  mode: TrainingMode = 'training',
): TrainingModeGraph {
  if (mode === 'as written') return { graph, running: [] };
  const b = new Builder(graph);
  const uses = consumers(graph);
  const running: [string, string][] = [];
  const isUnshared = (name: string | undefined) =>
    name !== undefined && graph.initializers.has(name) && uses.get(name)?.length === 1;

  const activeDropout = (node: Node, index: number): Node => {
    const [x = '', ratio = ''] = node.inputs;
    const on: Tensor = { type: 'bool', dims: [], data: Uint8Array.of(1) };
    const attributes = { ...node.attributes, seed: seed * 1009 + index };
    const [y = '', mask] = node.outputs;
    return {
      ...node,
      inputs: [x, ratio, b.constant(on)],
      outputs: [y, mask || b.fresh(`${y}.kept`)],
      attributes,
    };
  };
  const batchNormalized = (node: Node): Node => {
    const [y = ''] = node.outputs;
    const momentum = floatOf(node, 'momentum', 0.9);
    const batch = ['mean', 'variance'].map((name) => b.fresh(`${y}.${name}`));
    for (const [place, now] of node.inputs.slice(3, 5).entries()) {
      const before = b.op('Mul', [now, b.scalar(momentum)]);
      const seen = b.op('Mul', [batch[place] as string, b.scalar(1 - momentum)]);
      running.push([now, b.op('Add', [before, seen])]);
    }
    return {
      ...node,
      outputs: [y, ...batch],
      attributes: { ...node.attributes, training_mode: 1, momentum: float(0) },
    };
  };

  const changed = graph.nodes.map((node, index) => {
    const { training } = traitsOf(node);
    if (training === 'drops') return activeDropout(node, index);
    if (mode === 'dropout' || training !== 'normalizes by its batch') return node;
    return node.inputs.slice(3, 5).every(isUnshared) ? batchNormalized(node) : node;
  });
  const built = b.build(graph.outputs, graph.name);
  return {
    graph: { ...built, nodes: [...changed, ...built.nodes.slice(graph.nodes.length)] },
    running,
  };
}
