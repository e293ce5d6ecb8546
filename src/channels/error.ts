import { FinepruneError } from '../onnx/index.ts';

export type ChannelsErrorCode =
  | 'channels/no-site'
  | 'channels/unknown-site'
  | 'channels/no-fold'
  | 'channels/spill';

/** A site that is not there, or units that cannot be pruned as asked. */
export class ChannelsError extends FinepruneError<ChannelsErrorCode> {
  override readonly name = 'ChannelsError';
}
