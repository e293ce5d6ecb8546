import { FinepruneError } from '../onnx/index.ts';

export type DefenseErrorCode =
  | 'defense/untrainable'
  | 'defense/unknown-layer'
  | 'defense/no-dropout'
  | 'defense/no-picture'
  | 'defense/settings'
  | 'defense/unknown-method'
  | 'defense/too-few'
  /** A network or data that cannot be scanned. */
  | 'defense/scan';

/** A defense that cannot be done as asked. */
export class DefenseError extends FinepruneError<DefenseErrorCode> {
  override readonly name = 'DefenseError';
}
