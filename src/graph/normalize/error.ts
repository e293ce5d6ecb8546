import { type Node, FinepruneError, nodeLabel } from '../../onnx/index.ts';

export type NormalizeErrorCode =
  /** The opset of the model is not supported. */
  | 'graph/opset'
  /** The operator is newer than the canonical opset, and no rule expresses it in older operators. */
  | 'graph/too-new'
  /** The node has no equivalent in the canonical opset. */
  | 'graph/no-equivalent'
  /** The node lacks an attribute that its operator needs. */
  | 'graph/malformed';

/** A graph that cannot be converted to the canonical opset. The message names the node and the reason. */
export class NormalizeError extends FinepruneError<NormalizeErrorCode> {
  override readonly name = 'NormalizeError';
  /** Name of the node, or of its first output where it has none; undefined for a whole model. */
  readonly node: string | undefined;

  constructor(code: NormalizeErrorCode, message: string, node?: string) {
    super(code, message);
    this.node = node;
  }
}

export function refusal(code: NormalizeErrorCode, node: Node, reason: string): NormalizeError {
  return new NormalizeError(code, `${nodeLabel(node)} ${reason}`, displayName(node));
}

/** The node's name, or that of its first output: exporters may leave names empty. */
export function displayName(node: Node): string {
  return node.name === '' ? (node.outputs[0] ?? node.op) : node.name;
}
