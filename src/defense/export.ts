import { fromFloat32, modelOf, normalise } from '../graph/index.ts';
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
  if (graph.nodes.length !== original.nodes.length) {
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

function same(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
