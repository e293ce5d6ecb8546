import { producers } from '../graph/index.ts';
import { dataTypeOf, isTensor, type DataType, type Graph } from '../onnx/index.ts';
import { operatorOf } from './registry.ts';

const FLOATS = new Set<DataType>(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * The float type of a value in the graph of a file, before any conversion: that of the nearest input, tensor
 * or cast upstream; float32 if there is none.
 */
export function floatTypeOf(graph: Graph, value: string): DataType {
  const made = producers(graph);
  const inputs = new Map(graph.inputs.map(({ name, type }) => [name, type]));
  let at = value;
  // A file that was read has no cycles.
  for (;;) {
    const node = made.get(at);
    const told =
      inputs.get(at) ?? graph.initializers.get(at)?.type ?? (node && typeSaid(node.attributes));
    if (told !== undefined) return FLOATS.has(told) ? told : 'float32';
    const next = node?.inputs[operatorOf(node)?.inputs.typeFrom ?? 0];
    if (next === undefined || next === '') return 'float32';
    at = next;
  }
}

function typeSaid(attributes: Graph['nodes'][number]['attributes']): DataType | undefined {
  const { to, value } = attributes;
  if (typeof to === 'number') return dataTypeOf(to);
  return typeof value === 'object' && isTensor(value) ? value.type : undefined;
}
