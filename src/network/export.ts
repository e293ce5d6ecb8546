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
import type { Edits } from './edits.ts';
import { floatTypeOf } from '../ops/index.ts';
import { NetworkError } from './error.ts';

/**
 * The file of a model with the edits that were made to its graph: only initializers that changed are
 * written, in their own element type; every other byte stays. Inserted nodes come after the node that
 * made the value, in the file's own opset and type, with their constants as Constant nodes.
 *
 * @param graph - the working graph with the edits
 * @param metadata - entries to add to the file's metadata
 * @throws NetworkError 'network/no-place' where the file has no node that makes a value to be masked
 */
export function exportModel(
  file: OnnxFile,
  graph: Graph,
  edits: Edits,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { graph: original, types } = normalize(file.model);
  const changes = new Map<string, Tensor>();
  for (const name of edits.weights) {
    const [before, now] = [original.initializers.get(name), graph.initializers.get(name)];
    if (!before || !now || before === now || same(before, now)) continue;
    changes.set(name, fromFloat32(now as TensorOf<'float32'>, types.get(name) ?? 'float32'));
  }
  return patchModel(file.bytes, changes, metadata, insertionsInto(file.model.graph, graph, edits));
}

/** Insertions as the file takes them. Several at one value become one: each works on what came before. */
function insertionsInto(own: Graph, graph: Graph, { insertions }: Edits): Map<string, Insertion> {
  const inFile = producers(own);
  const made = new Map<string, Insertion>();
  for (const { value, renamed, nodes, constants } of insertions) {
    if (!inFile.has(value)) {
      throw new NetworkError(
        'network/no-place',
        `"${value}" is part of an operator of the file and no value of its own, so its mask cannot be put in: prune another site ("inspect" lists them)`,
      );
    }
    const type = floatTypeOf(own, value);
    const added = [...constants.map((name) => constantNode(graph, name, type)), ...nodes];
    const before = made.get(value);
    made.set(
      value,
      before
        ? {
            renamed: before.renamed,
            nodes: [...before.nodes.map((node) => withOutput(node, value, renamed)), ...added],
          }
        : { renamed, nodes: added },
    );
  }
  return made;
}

function constantNode(graph: Graph, name: string, type: ReturnType<typeof floatTypeOf>): Node {
  const value = fromFloat32(graph.initializers.get(name) as TensorOf<'float32'>, type);
  return { op: 'Constant', domain: '', name, inputs: [], outputs: [name], attributes: { value } };
}

function withOutput(node: Node, from: string, to: string): Node {
  return { ...node, outputs: node.outputs.map((name) => (name === from ? to : name)) };
}

function same(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
