import {
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  int64,
} from '../../onnx/index.ts';
import {
  consumers,
  downstream,
  producers,
  type Traced,
  type ValueType,
} from '../../graph/index.ts';
import type { OperatorName } from '../../ops/index.ts';

/** The node that a rewrite may replace, what is known of its values, and methods that emit nodes. */
export interface RewriteContext {
  readonly node: Node;
  dims(value: string): readonly number[];
  producer(value: string): Node | undefined;
  /** Whether a value has one reader, and is no output of the graph. */
  isOnlyReader(value: string): boolean;
  /** Whether a value has a reader, or is an output of the graph. */
  isRead(value: string): boolean;
  /** Whether a value depends on a trained parameter. */
  isTrained(value: string): boolean;
  /** Emits a node with one output; `to.name` where the output replaces an existing value. */
  op(op: string, inputs: readonly string[], to: OutputSpec): string;
  /** Emits a whole node. Outputs named '' get a fresh name. Returns the names of all outputs. */
  write(node: Node, outputs: readonly ValueType[]): readonly string[];
  ints(values: readonly number[]): string;
  constant(tensor: Tensor): string;
}

interface OutputSpec {
  readonly dims: readonly number[];
  readonly type?: DataType | undefined;
  readonly attributes?: Attributes | undefined;
  readonly name?: string | undefined;
}

/** A replacement of nodes by other nodes with the same outputs that are faster, or whose gradients are. */
export interface Rewrite {
  /** The operator of the nodes that the rewrite replaces. */
  readonly op: OperatorName;
  /** The operator that produces their first input, where both are replaced together. */
  readonly after?: OperatorName | undefined;
  /** Emits nodes with the same outputs, or returns false and emits nothing. */
  readonly replace: (context: RewriteContext) => boolean;
}

/** Applies a rewrite wherever it fits, in the order of the nodes, and removes dead nodes. */
export function rewrite(
  traced: Traced,
  parameters: readonly string[],
  { op, after, replace }: Rewrite,
): Traced {
  const { graph } = traced;
  const made = producers(graph);
  const uses = consumers(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const trained = downstream(graph, parameters);
  const values = new Map(traced.values);
  const initializers = new Map<string, Tensor>(graph.initializers);
  const nodes: Node[] = [];
  const dimsOf = (value: string) => (values.get(value) as ValueType).dims;
  let counter = 0;
  const fresh = (stem: string) => {
    let name = stem;
    while (values.has(name)) name = `${stem}.${++counter}`;
    return name;
  };
  const constant = (name: string, tensor: Tensor) => {
    initializers.set(name, tensor);
    values.set(name, { type: tensor.type, dims: tensor.dims });
    return name;
  };
  const write = (node: Node, types: readonly ValueType[]) => {
    const outputs = types.map((type, index) => {
      const name = node.outputs[index] || fresh(`${node.name}.${index}`);
      values.set(name, type);
      return name;
    });
    nodes.push({ ...node, outputs });
    return outputs;
  };
  let changed = false;
  for (const node of graph.nodes) {
    const before = made.get(node.inputs[0] ?? '');
    if (!isOf(node, op) || (after && !isOf(before, after))) {
      nodes.push(node);
      continue;
    }
    const type = values.get(node.outputs[0] as string)?.type ?? 'float32';
    const done = replace({
      node,
      dims: dimsOf,
      producer: (value) => made.get(value),
      isOnlyReader: (value) => !outputs.has(value) && uses.get(value)?.length === 1,
      isTrained: (value) => trained.has(value),
      isRead: (value) => outputs.has(value) || uses.has(value),
      op(op, inputs, to) {
        const output = to.name ?? fresh(`${node.outputs[0]}.${op}`);
        const attributes = to.attributes ?? {};
        write({ op, domain: '', name: output, inputs, outputs: [output], attributes }, [
          { type: to.type ?? type, dims: to.dims },
        ]);
        return output;
      },
      write,
      ints: (given) => constant(`ints ${given.join()}`, int64([given.length], given)),
      constant: (tensor) => constant(fresh(`${node.outputs[0]}.constant`), tensor),
    });
    if (!done) nodes.push(node);
    changed ||= done;
  }
  if (!changed) return traced;
  return { graph: withoutDeadNodes({ ...graph, nodes, initializers }), values };
}

function isOf(node: Node | undefined, op: OperatorName): boolean {
  return node?.domain === '' && node.op === op;
}

function withoutDeadNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const input of node.inputs) needed.add(input);
      return true;
    })
    .toReversed();
  return { ...graph, nodes };
}
