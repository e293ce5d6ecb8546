import { FinepruneError } from '../onnx/index.ts';

export type ChannelsErrorCode =
  | 'channels/no-site'
  | 'channels/unknown-site'
  | 'channels/no-fold'
  | 'channels/step'
  | 'channels/spill';

/** A site that does not exist, or units that cannot be pruned as requested. */
export class ChannelsError extends FinepruneError<ChannelsErrorCode> {
  override readonly name = 'ChannelsError';
}
