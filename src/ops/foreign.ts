import type { Builder } from '../graph/index.ts';
import { float32, type Node } from '../onnx/index.ts';

/** The domain of scikit-learn's exporters. */
export const ML = 'ai.onnx.ml';

/** What is known of an operator of another domain than the standard one. */
interface Foreign {
  readonly domain?: string | undefined;
  /** Only detectors have it. */
  readonly detection?: true | undefined;
  /** The standard operators that compute the same. */
  standard?(b: Builder, node: Node): Node[];
}

const foreign: ReadonlyMap<string, Foreign> = new Map<string, Foreign>([
  ['EfficientNMS_TRT', { detection: true }],
  ['Scaler', { domain: ML, standard: scaler }],
]);

function foreignOf(node: Node): Foreign | undefined {
  const found = foreign.get(node.op);
  return found?.domain === undefined || found.domain === node.domain ? found : undefined;
}

/** Whether a node of another domain is one that only detectors have. */
export function isForeignDetection(node: Node): boolean {
  return foreignOf(node)?.detection === true;
}

/**
 * The nodes of standard operators that compute the same as a node of another domain; `undefined` if
 * there are none. Initializers are added to `b`.
 */
export function asStandard(b: Builder, node: Node): Node[] | undefined {
  return foreignOf(node)?.standard?.(b, node);
}

/** (x - offset) * scale. */
function scaler(b: Builder, node: Node): Node[] {
  const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
  const numbers = (key: string) => {
    const value = node.attributes[key];
    const list = typeof value === 'object' && 'floats' in value ? value.floats : [];
    return b.initializer(`${y}.${key}`, float32([1, list.length], list));
  };
  const moved = b.fresh(`${y}.moved`);
  const plain = { domain: '', attributes: {} };
  return [
    { ...plain, op: 'Sub', name: moved, inputs: [x, numbers('offset')], outputs: [moved] },
    { ...plain, op: 'Mul', name: y, inputs: [moved, numbers('scale')], outputs: [y] },
  ];
}
