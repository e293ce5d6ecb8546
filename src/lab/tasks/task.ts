import { take, type Dataset } from '../../data/index.ts';
import type { DefendSettings } from '../../defense/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { OptimiserSettings, Schedule } from '../../train/index.ts';
import type { PruningAwareOptions } from '../attacks/pruning-aware.ts';
import type { Trigger } from '../triggers/trigger.ts';

/** Clean data, split once by seed; no sample is in two parts. */
export interface TaskData {
  /** The attacker's. */
  readonly train: Dataset;
  /** The defender's: everything is chosen on it. */
  readonly validation: Dataset;
  /** Reported, and never used to choose anything. */
  readonly test: Dataset;
  readonly source: 'real' | 'synthetic';
}

/** A backdoor experiment: data, network, trigger, target, and the settings that belong together. */
export interface Task {
  readonly name: string;
  load(seed: number): Promise<TaskData>;
  /** The untrained network, with weights drawn by seed. */
  network(seed: number): Model;
  readonly trigger: Trigger;
  readonly target: Target;
  readonly poisonRate: number;
  readonly training: {
    readonly epochs: number;
    readonly batchSize: number;
    readonly optimiser: OptimiserSettings;
    readonly schedule: Schedule;
    /** 'training' for networks whose BatchNormalization is to learn its statistics; see `LossSettings`. */
    readonly mode?: 'training';
  };
  /** What a pruning-aware attacker asks for; without it, that attack is no part of the experiment. */
  readonly pruningAware?: PruningAwareOptions;
  readonly defense: Pick<DefendSettings, 'maxDrop' | 'tune'>;
}

/** A twentieth of the data, to see that everything runs: what comes of it says nothing. */
export function fewerOf({ train, validation, test, source }: TaskData, seed: number): TaskData {
  const part = (all: Dataset) =>
    take(all, Math.max(3 * all.classes.length, Math.round(all.length / 20)), seed);
  return { train: part(train), validation: part(validation), test: part(test), source };
}
