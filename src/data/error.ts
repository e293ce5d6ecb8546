import { FinepruneError } from '../onnx/error.ts';

export type DataErrorCode =
  | 'data/unlabeled'
  | 'data/missing'
  | 'data/empty'
  | 'data/format'
  | 'data/unreadable'
  | 'data/classes'
  | 'data/labels'
  | 'data/shape'
  | 'data/preprocess'
  | 'data/features'
  | 'data/target'
  | 'data/magic'
  | 'data/truncated'
  | 'data/size'
  | 'data/label'
  | 'data/mismatch'
  | 'data/split'
  | 'data/seed'
  | 'data/index';

/** A data set that cannot be read, or not in the way asked for, and why. */
export class DataError extends FinepruneError {
  override readonly name = 'DataError';

  constructor(code: DataErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
