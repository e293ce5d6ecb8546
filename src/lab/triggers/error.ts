import { FinepruneError } from '../../onnx/error.ts';

export type TriggerErrorCode =
  | 'trigger/format'
  | 'trigger/file'
  | 'trigger/dims'
  | 'trigger/outside';

/** A trigger that is no trigger, lacks its picture or sound, or does not fit the input. */
export class TriggerError extends FinepruneError {
  override readonly name = 'TriggerError';

  constructor(code: TriggerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
