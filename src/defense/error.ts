import { FinepruneError } from '../onnx/index.ts';

export type DefenseErrorCode =
  | 'defense/no-site'
  | 'defense/unknown-site'
  | 'defense/no-fold'
  | 'defense/no-place'
  | 'defense/model-shape'
  | 'defense/classes'
  | 'defense/output'
  | 'defense/operator'
  | 'defense/untrainable'
  | 'defense/unknown-layer'
  | 'defense/no-dropout'
  | 'defense/no-picture'
  | 'defense/spill'
  | 'defense/held'
  | 'defense/runs'
  | 'defense/too-few';

/** A model that cannot be defended as asked. */
export class DefenseError extends FinepruneError {
  override readonly name = 'DefenseError';

  constructor(code: DefenseErrorCode, message: string) {
    super(code, message);
  }
}
