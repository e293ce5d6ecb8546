import { FinepruneError } from '../../onnx/error.ts';

export type TriggerErrorCode = 'trigger/format' | 'trigger/dims' | 'trigger/outside';

/** A trigger that is no trigger, or does not fit the input. */
export class TriggerError extends FinepruneError {
  override readonly name = 'TriggerError';

  constructor(code: TriggerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
