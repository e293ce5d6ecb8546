import { FinepruneError } from '../onnx/index.ts';

export type AutodiffErrorCode =
  /** A node between the loss and a parameter has no gradient. */
  | 'autodiff/unsupported'
  /** The loss does not depend on a parameter in a differentiable way. */
  | 'autodiff/unreachable'
  /** The loss has more than one element. */
  | 'autodiff/not-scalar'
  /** The trace does not hold the type and dims of a value. */
  | 'autodiff/not-traced';

/** A graph that cannot be differentiated as asked. */
export class AutodiffError extends FinepruneError<AutodiffErrorCode> {
  override readonly name = 'AutodiffError';
}
