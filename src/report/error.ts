import { FinepruneError } from '../onnx/error.ts';

export type ReportErrorCode = 'report/not-json' | 'report/invalid-record' | 'report/image';

/** A report, or a part of one, that cannot be used. */
export class ReportError extends FinepruneError<ReportErrorCode> {
  override readonly name = 'ReportError';
}
