import { Builder, consumers, floatOf } from '../graph/index.ts';
import { float, type Graph, type Node, type Tensor } from '../onnx/index.ts';
import { traitsOf } from '../ops/index.ts';

/** What Dropout and BatchNormalization do while a network trains: see `LossSettings`. */
export type TrainingMode = 'as written' | 'dropout' | 'training';

/** A graph as it is while it trains. */
export interface TrainingModeGraph {
  readonly graph: Graph;
  /** Each running statistic, an initializer, and the value that it has after a batch. */
  readonly running: readonly (readonly [now: string, next: string])[];
}

/**
 * What PyTorch's `train()` does: Dropout drops, and BatchNormalization normalizes by its batch, of
 * which it keeps running statistics (the variance is that of the population, as ONNX defines it).
 *
 * A BatchNormalization whose statistics another node reads too keeps them as they are: to write them
 * would change that node.
 *
 * @param seed - decides what Dropout drops
 * @param mode - 'dropout' leaves BatchNormalization as it is, 'as written' everything
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
  const own = (name: string | undefined) =>
    name !== undefined && graph.initializers.has(name) && uses.get(name)?.length === 1;

  const dropping = (node: Node, index: number): Node => {
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
  const byBatch = (node: Node): Node => {
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
    if (training === 'drops') return dropping(node, index);
    if (mode === 'dropout' || training !== 'normalizes by its batch') return node;
    return node.inputs.slice(3, 5).every(own) ? byBatch(node) : node;
  });
  const built = b.build(graph.outputs, graph.name);
  return {
    graph: { ...built, nodes: [...changed, ...built.nodes.slice(graph.nodes.length)] },
    running,
  };
}
