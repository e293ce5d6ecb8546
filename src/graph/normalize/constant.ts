import { float32, int64, type Node, type Tensor } from '../../onnx/index.ts';
import { refusal } from './error.ts';

/** The value of a Constant node. */
export function constantOf(node: Node): Tensor {
  for (const [key, value] of Object.entries(node.attributes)) {
    if (typeof value === 'number') return int64([], [value]);
    if (typeof value === 'string') return { type: 'string', dims: [], data: [value] };
    if ('dims' in value) return value;
    if ('float' in value) return float32([], [value.float]);
    if ('floats' in value) return float32([value.floats.length], value.floats);
    if (Array.isArray(value)) return listOf(key, value as readonly number[] | readonly string[]);
  }
  throw refusal('graph/malformed', node, 'has no readable value; export the model again');
}

function listOf(key: string, values: readonly number[] | readonly string[]): Tensor {
  const dims = [values.length];
  return key === 'value_strings'
    ? { type: 'string', dims, data: values.map(String) }
    : int64(dims, values as readonly number[]);
}
