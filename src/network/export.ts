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
import type { Edits, InsertedNodes } from './edits.ts';
import { NetworkError } from './error.ts';
import { freshNames } from './fresh-names.ts';

/**
 * The file of a model with the edits of a working graph. Weights are written where their values
 * changed, in their own element type. Inserted nodes, and their constants as Constant nodes, come after
 * the node that produces the value, in the file's opset and element type. Every other byte stays.
 *
 * @param graph - the working graph after the edits
 * @param metadata - entries to add to the file's metadata
 * @throws NetworkError 'network/no-place' if no node of the file makes a value after which nodes
 *   were inserted; 'network/no-weight' if the file or the working graph lacks an edited weight
 */
export function exportModel(
  file: OnnxFile,
  graph: Graph,
  edits: Edits,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { graph: original, types } = normalize(file.model);
  const changes = new Map<string, Tensor>();
  // Constants of inserted nodes are written with those.
  const inserted = new Set(edits.insertions.flatMap(({ constants }) => constants));
  for (const name of edits.weights) {
    if (inserted.has(name)) continue;
    const before = original.initializers.get(name);
    const after = graph.initializers.get(name);
    if (!before || !after) {
      throw new NetworkError(
        'network/no-weight',
        `"${name}" is named as an edited weight, and ${before ? 'the working graph' : 'the file'} has no initializer of that name: what was changed there cannot be written; edit weights that the model was opened with`,
      );
    }
    if (before === after || same(before, after)) continue;
    changes.set(name, fromFloat32(after as TensorOf<'float32'>, types.get(name) ?? 'float32'));
  }
  return patchModel(file.bytes, changes, metadata, insertionsOf(file.model.graph, graph, edits));
}

/**
 * The nodes that `exportModel` inserts, under the names that they have in the file: as in the working
 * graph, unless the file uses a name already.
 */
export function insertedInFile(graph: Graph, { insertions }: Edits): InsertedNodes[] {
  const fresh = freshNames(graph);
  const renamed = new Map<string, string>();
  const nameOf = (name: string) => renamed.get(name) ?? name;
  return insertions.map(({ value, renamed: before, nodes, constants }) => {
    const made = nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== value);
    for (const name of [before, ...constants, ...made]) renamed.set(name, fresh(name));
    return {
      value: nameOf(value),
      renamed: nameOf(before),
      nodes: nodes.map((node) => ({
        ...node,
        name: fresh(node.name),
        inputs: node.inputs.map(nameOf),
        outputs: node.outputs.map(nameOf),
      })),
      constants: constants.map(nameOf),
    };
  });
}

/** Insertions as `patchModel` takes them: one for each value of the file. */
function insertionsOf(own: Graph, graph: Graph, edits: Edits): Map<string, Insertion> {
  const inFile = producers(own);
  const found = new Map<string, { readonly renamed: string; readonly nodes: Node[] }>();
  for (const [index, inserted] of insertedInFile(own, edits).entries()) {
    const { value, renamed } = inserted;
    const makes = ({ outputs }: Node) => outputs.includes(value);
    // Nodes inserted before may make the value: these come after them.
    const earlier = [...found].find(([, { nodes }]) => nodes.some(makes));
    const first = earlier?.[0] ?? value;
    if (!inFile.has(first)) {
      throw new NetworkError(
        'network/no-place',
        `"${value}" is part of an operator of the file and no value of its own, so its mask cannot be put in: prune another site ("inspect" lists them)`,
      );
    }
    const type = floatTypeOf(own, first);
    const constants = inserted.constants.map((name, at): Node => {
      const source = edits.insertions[index]?.constants[at] as string;
      const tensor = graph.initializers.get(source) as TensorOf<'float32'>;
      const attributes = { value: fromFloat32(tensor, type) };
      return { op: 'Constant', domain: '', name, inputs: [], outputs: [name], attributes };
    });
    const nodes = [...constants, ...inserted.nodes];
    if (!earlier) {
      found.set(value, { renamed, nodes });
      continue;
    }
    const before = earlier[1].nodes;
    const at = before.findIndex(makes);
    const maker = before[at] as Node;
    const outputs = maker.outputs.map((name) => (name === value ? renamed : name));
    before.splice(at, 1, { ...maker, outputs }, ...nodes);
  }
  return found;
}

function same(a: Tensor, b: Tensor): boolean {
  return a.data.length === b.data.length && a.data.every((value, index) => value === b.data[index]);
}
