import type { Model, Node, Tensor } from '../../src/onnx/index.ts';

/** Dropout drops and BatchNormalization uses the batch's own statistics, as PyTorch's `train()`. */
export function inTrainingMode(model: Model): Model {
  const on: Tensor = { type: 'bool', dims: [], data: Uint8Array.of(1) };
  const nodes = model.graph.nodes.map((node): Node => {
    if (node.op === 'Dropout') {
      const [x, ratio = ''] = node.inputs as [string, string?];
      const [y] = node.outputs as [string];
      return { ...node, inputs: [x, ratio, 'training'], outputs: [y, `${y}.kept`] };
    }
    if (node.op === 'BatchNormalization') {
      const [y] = node.outputs as [string];
      return {
        ...node,
        outputs: [y, `${y}.mean`, `${y}.var`],
        attributes: { ...node.attributes, training_mode: 1 },
      };
    }
    return node;
  });
  const initializers = new Map([...model.graph.initializers, ['training', on] as const]);
  return { ...model, graph: { ...model.graph, nodes, initializers } };
}
