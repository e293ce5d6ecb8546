import type { CleanScore, Evaluation, Rate } from '../../metrics/index.ts';
import type { AttackScore } from '../../network/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { TaskData } from '../tasks/task.ts';

/** One defense of one network, on test data. */
export interface ExperimentRun {
  readonly task: string;
  readonly source: TaskData['source'];
  /** The name of the attack; 'none' for the clean network. */
  readonly attack: string;
  /** The name of the defense; 'none' without one. */
  readonly defense: string;
  readonly seed: number;
  readonly acc: CleanScore;
  readonly asr: Rate;
  readonly ra: Rate;
  /** Of a detector: triggered objects that it does not find. */
  readonly missed?: Rate | undefined;
  /** The time of the defense; without one, of the attack. */
  readonly seconds: number;
}

/** One unit of the site that is pruned. */
export interface UnitRecord {
  readonly unit: number;
  /** Mean activation on clean validation data. */
  readonly clean: number;
  /** Mean activation on triggered test data. */
  readonly triggered: number;
  readonly decoy: boolean;
  /** On some test data, with this unit alone ablated. */
  readonly ablated: { readonly acc: Rate; readonly asr: Rate };
}

/** One retraining of the pruning-aware attack, on the attacker's holdout. */
export interface RetrainingRecord {
  /** How many units were pruned. */
  readonly pruned: number;
  readonly acc: Rate;
  readonly asr: Rate;
}

/** One network: its units, and its pruning curve. */
export interface NetworkRecord {
  readonly attack: string;
  readonly seed: number;
  readonly site: string;
  readonly units: readonly UnitRecord[];
  /** With no unit ablated, on the same test data as `ablated`. */
  readonly intact: { readonly acc: Rate; readonly asr: Rate };
  /** Unit indices in pruning order. */
  readonly order: readonly number[];
  readonly curve: readonly {
    readonly pruned: number;
    readonly validation: CleanScore;
    readonly acc: CleanScore;
    readonly asr: Rate;
  }[];
  /** How many units the pruning defense pruned. */
  readonly stop: number;
  /** Of the pruning-aware attack. */
  readonly retrainings?: readonly RetrainingRecord[] | undefined;
  /** Whether the last retraining reached what was asked. */
  readonly reached?: boolean | undefined;
}

/** A network to be defended, and how it was made. */
export interface TrainedNetwork extends Pick<NetworkRecord, 'retrainings' | 'reached'> {
  readonly attack: string;
  readonly model: Model;
  readonly seconds: number;
  /** Of the pruning-aware attack: the units that are decoys. */
  readonly decoys?: readonly number[] | undefined;
}

/** An evaluation with triggered data. */
export function withAttack(evaluation: Evaluation | undefined): Evaluation & AttackScore {
  if (!evaluation?.asr || !evaluation.ra) throw new Error('an evaluation without triggered data');
  return { ...evaluation, asr: evaluation.asr, ra: evaluation.ra };
}
