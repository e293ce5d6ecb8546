import { fromFloat32, normalize, producers } from '../graph/index.ts';
import {
  type Graph,
  type Insertion,
  type Node,
  patchModel,
  type Tensor,
  type TensorOf,
} from '../onnx/index.ts';
import type { OnnxFile } from '../onnx/file.ts';
import { floatTypeOf } from '../ops/index.ts';
import { NetworkError } from './error.ts';

/**
 * The file of a model with the weights of a graph that was made from it: only initializers that
 * changed are written, in their own element type; every other byte stays. Where a mask had to be put
 * in as a node of its own, a Constant and a Mul come after the node that makes the site, in the
 * file's own opset and type.
 *
 * @param metadata - entries to add to the file's metadata
 * @throws NetworkError 'network/no-place' where the file has no node that makes a site to be masked
 */
export function exportModel(
  file: OnnxFile,
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { graph: original, types } = normalize(file.model);
  const changes = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    const before = original.initializers.get(name);
    if (before === undefined || before === tensor || same(before, tensor)) continue;
    changes.set(name, fromFloat32(tensor as TensorOf<'float32'>, types.get(name) ?? 'float32'));
  }
  return patchModel(file.bytes, changes, metadata, masksPutIn(file.model.graph, original, graph));
}

/** The nodes that a graph has beside those that it was made from, as the file is to have them. */
function masksPutIn(own: Graph, original: Graph, graph: Graph): Map<string, Insertion> {
  const before = producers(original);
  const made = producers(graph);
  const insertions = new Map<string, Insertion>();
  const inFile = producers(own);
  const inputs = new Set(original.inputs.map(({ name }) => name));
  for (const product of graph.nodes) {
    const [site] = product.outputs as [string];
    const [unmasked, mask] = product.inputs as [string, string];
    // The value that had the site's name has another now, and the product by the mask has it. What a
    // classifier puts before its input and after its outputs reads an input, or makes another value.
    if (!before.has(site) || before.has(unmasked) || !made.has(unmasked)) continue;
    if (inputs.has(unmasked)) continue;
    if (!inFile.has(site)) {
      throw new NetworkError(
        'network/no-place',
        `"${site}" is part of an operator of the file and no value of its own, so its mask cannot be put in: prune another site ("inspect" lists them)`,
      );
    }
    const tensor = graph.initializers.get(mask) as TensorOf<'float32'>;
    const value = fromFloat32(tensor, floatTypeOf(own, site));
    const constant: Node = {
      op: 'Constant',
      domain: '',
      name: mask,
      inputs: [],
      outputs: [mask],
      attributes: { value },
    };
    insertions.set(site, { renamed: unmasked, nodes: [constant, product] });
  }
  return insertions;
}

function same(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
