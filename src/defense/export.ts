import { fromFloat32, modelOf, normalise, producers } from '../graph/index.ts';
import { encodeModel, type Graph, patchModel, type Tensor, type TensorOf } from '../onnx/index.ts';
import type { OnnxFile } from '../onnx/file.ts';

/**
 * The file of a model with the weights of a graph that was made from it: only initializers that
 * changed are written, in their own element type; every other byte stays. Where a mask had to be put
 * in as a node of its own, the graph is written anew.
 *
 * @param metadata - entries to add to the file's metadata
 */
export function exportModel(
  file: OnnxFile,
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { graph: original, types } = normalise(file.model);
  if (hasMask(graph, original)) {
    return encodeModel({
      ...modelOf(graph),
      metadata: new Map([...file.model.metadata, ...Object.entries(metadata)]),
    });
  }
  const changes = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    const before = original.initializers.get(name);
    if (before === undefined || before === tensor || same(before, tensor)) continue;
    changes.set(name, fromFloat32(tensor as TensorOf<'float32'>, types.get(name) ?? 'float32'));
  }
  return patchModel(file.bytes, changes, metadata);
}

/**
 * Whether a node makes a value of the model out of one that the model does not have. What a classifier
 * puts before its input and after its outputs makes no value of the model's nodes, or reads its input.
 */
function hasMask(graph: Graph, original: Graph): boolean {
  const own = producers(original);
  const made = producers(graph);
  const inputs = new Set(original.inputs.map(({ name }) => name));
  return graph.nodes.some(({ inputs: [first = ''], outputs: [output = ''] }) => {
    return own.has(output) && made.has(first) && !own.has(first) && !inputs.has(first);
  });
}

function same(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
