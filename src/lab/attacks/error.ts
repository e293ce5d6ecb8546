import { FinepruneError } from '../../onnx/error.ts';

export type AttackErrorCode =
  /** The units of a site cannot be made dormant by a bias. */
  | 'attack/site'
  /** The settings ask for what cannot be. */
  | 'attack/settings'
  /** Decoys change what the network says. */
  | 'attack/awake';

/** An attack that cannot be done as asked. */
export class AttackError extends FinepruneError<AttackErrorCode> {
  override readonly name = 'AttackError';
}
