import {
  type Attribute,
  type DataType,
  type Graph,
  isConstant,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../../onnx/index.ts';
import { toFloat32 } from '../precision.ts';

/** ONNX's numbers for the float types. */
const FLOAT = 1;
const NUMBER: Readonly<Partial<Record<DataType, number>>> = {
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

/** Attributes that hold an element type, for all operators. */
const TYPE_ATTRIBUTES = new Set([
  'dtype',
  'output_datatype',
  'output_dtype',
  'precision',
  'softmax_precision',
  'stash_type',
  'to',
]);

export interface Float32Graph {
  readonly graph: Graph;
  /** The original type of each converted initializer, input and output of the main graph. */
  readonly types: ReadonlyMap<string, DataType>;
}

/** Converts the types `from` to float32 in a whole graph. */
export function convertToFloat32(graph: Graph, from: readonly DataType[]): Float32Graph {
  const types = new Map<string, DataType>();
  const numbers = new Set(from.map((type) => NUMBER[type]));
  return { graph: convert(graph, types), types };

  function convert(graph: Graph, types: Map<string, DataType>): Graph {
    const value = (info: ValueInfo): ValueInfo => {
      if (info.type === undefined || !from.includes(info.type)) return info;
      types.set(info.name, info.type);
      return { ...info, type: 'float32' };
    };
    const initializers = new Map<string, Tensor>();
    for (const [name, tensor] of graph.initializers) {
      if (from.includes(tensor.type)) types.set(name, tensor.type);
      initializers.set(name, convertTensor(tensor));
    }
    return {
      ...graph,
      inputs: graph.inputs.map(value),
      outputs: graph.outputs.map(value),
      nodes: graph.nodes.map((node) => convertNode(node, types)),
      initializers,
    };
  }

  function convertNode(node: Node, types: Map<string, DataType>): Node {
    const [output] = node.outputs;
    const { value } = node.attributes;
    if (isConstant(node) && output && isTensor(value) && from.includes(value.type)) {
      types.set(output, value.type);
    }
    const attributes = Object.entries(node.attributes).map(([key, attribute]) => [
      key,
      convertAttribute(node, key, attribute),
    ]);
    return { ...node, attributes: Object.fromEntries(attributes) as Node['attributes'] };
  }

  function convertAttribute(node: Node, key: string, value: Attribute): Attribute {
    if (typeof value === 'number') {
      const names = node.domain === '' && TYPE_ATTRIBUTES.has(key) && numbers.has(value);
      return names ? FLOAT : value;
    }
    if (isTensor(value)) return convertTensor(value);
    // Values in subgraphs are never written back to the model: their types are not recorded.
    if (typeof value === 'object' && 'nodes' in value) return convert(value, new Map());
    return value;
  }

  function convertTensor(tensor: Tensor): Tensor {
    return from.includes(tensor.type) ? toFloat32(tensor) : tensor;
  }
}

function isTensor(value: Attribute | undefined): value is Tensor {
  return typeof value === 'object' && 'dims' in value;
}
