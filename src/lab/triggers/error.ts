import { FinepruneError } from '../../onnx/error.ts';

export type TriggerErrorCode =
  | 'trigger/format'
  | 'trigger/file'
  | 'trigger/dims'
  | 'trigger/object'
  | 'trigger/outside';

/** The JSON is not a trigger, an attached file is missing, or the trigger does not fit the input. */
export class TriggerError extends FinepruneError {
  override readonly name = 'TriggerError';

  constructor(code: TriggerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
