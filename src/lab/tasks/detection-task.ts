import type { Dataset, SceneAugment } from '../../data/index.ts';
import type { SetName } from '../data/sets/sets.ts';
import type { RepairOptions } from '../../defense/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { OptimizerSettings, Schedule } from '../../train/index.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { PaperTable, PruningAwareOptions, TaskData } from './task.ts';

/** How a detector is trained. */
export interface DetectorTraining {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  /** Of the number of epochs it runs: see `Schedule`. */
  readonly schedule: Schedule;
  /** See `LossSettings`. */
  readonly mode?: 'training' | undefined;
  readonly augment?: SceneAugment | undefined;
}

/** A backdoor experiment on a detector: as a `Task`, with scenes for samples. */
export interface DetectionTask {
  readonly kind: 'detection';
  readonly name: string;
  readonly set: SetName;
  load(seed: number, source?: TaskData['source']): Promise<TaskData>;
  readonly network: (seed: number, dataset: Dataset) => Model;
  /** One that fits objects, see `fitsObjects`. */
  readonly trigger: Trigger;
  readonly target: Target;
  /** See `ScenePoison`. */
  readonly poisonRate: number;
  readonly training: DetectorTraining;
  /** How a clean detector is trained on with poisoned scenes. */
  readonly poisoning: DetectorTraining;
  /** What a pruning-aware attacker asks for; without it, that attack is no part of the experiment. */
  readonly pruningAware?: PruningAwareOptions<DetectorTraining> | undefined;
  readonly defense: RepairOptions;
  /** Test scenes on which units are silenced one by one. */
  readonly silenced: number;
  readonly paper?: PaperTable | undefined;
}
