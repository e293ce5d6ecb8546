import { FinepruneError } from '../onnx/index.ts';

export type NetworkErrorCode =
  | 'network/model-shape'
  | 'network/classes'
  | 'network/output'
  | 'network/operator'
  | 'network/no-place'
  | 'network/no-weight';

/** A model that cannot be run, scored or trained as requested. */
export class NetworkError extends FinepruneError<NetworkErrorCode> {
  override readonly name = 'NetworkError';
}
