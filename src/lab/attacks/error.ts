import { FinepruneError } from '../../onnx/error.ts';

export type AttackErrorCode =
  /** A bias cannot make the units of the site dormant. */
  | 'attack/site'
  /** The settings are missing or out of range. */
  | 'attack/settings'
  /** The decoys are not dormant: they change the network's outputs. */
  | 'attack/decoys';

/** The attack is not possible with this network and these settings. */
export class AttackError extends FinepruneError<AttackErrorCode> {
  override readonly name = 'AttackError';
}
