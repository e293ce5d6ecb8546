import { type Node, FinepruneError, nodeLabel } from '../../onnx/index.ts';

export type NormalizeErrorCode =
  /** The opset of the model is not among those that can be brought to the canonical one. */
  | 'graph/opset'
  /** The node is newer than the canonical opset and no rule says it in older operators. */
  | 'graph/too-new'
  /** The node has a meaning that the canonical opset cannot say. */
  | 'graph/no-equivalent'
  /** The node lacks what its operator needs. */
  | 'graph/malformed';

/** A graph that cannot be brought to the canonical opset: which node, and why. */
export class NormalizeError extends FinepruneError<NormalizeErrorCode> {
  override readonly name = 'NormalizeError';
  /** The name of the node, or of its first output where it has none; absent for a whole model. */
  readonly node: string | undefined;

  constructor(code: NormalizeErrorCode, message: string, node?: string) {
    super(code, message);
    this.node = node;
  }
}

export function refusal(code: NormalizeErrorCode, node: Node, reason: string): NormalizeError {
  return new NormalizeError(code, `${nodeLabel(node)} ${reason}`, displayName(node));
}

/** What to call a node: exporters may leave its name empty. */
export function displayName(node: Node): string {
  return node.name === '' ? (node.outputs[0] ?? node.op) : node.name;
}
