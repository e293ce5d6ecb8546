import { FinepruneError } from '../onnx/index.ts';

export type AutodiffErrorCode =
  | 'autodiff/unsupported'
  | 'autodiff/no-gradient'
  | 'autodiff/unreachable'
  | 'autodiff/not-scalar';

/** A graph that cannot be differentiated as asked. */
export class AutodiffError extends FinepruneError {
  override readonly name = 'AutodiffError';

  constructor(code: AutodiffErrorCode, message: string) {
    super(code, message);
  }
}
