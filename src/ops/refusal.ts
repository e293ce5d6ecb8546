import { type Node, FinepruneError, nodeLabel } from '../onnx/index.ts';

/** A node whose operator has a gradient, but not in the form that the node asks for. */
export class RuleError extends FinepruneError<'ops/no-gradient'> {
  override readonly name = 'RuleError';
  /** The reason alone; the message also names the node. */
  readonly why: string;

  constructor(node: Node, why: string) {
    super(
      'ops/no-gradient',
      `No gradient passes through ${nodeLabel(node)}: ${why}. Freeze the parameters before it to train the rest.`,
    );
    this.why = why;
  }
}

/** @throws RuleError always */
export function noGradient(node: Node, why: string): never {
  throw new RuleError(node, why);
}
