import { type Augment, DataError, type Dataset, take } from '../../data/index.ts';
import { missingMessage, placeOf, SETS, type SetName } from '../data/sets/sets.ts';
import type { RepairOptions } from '../../defense/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { OptimizerSettings, Schedule } from '../../train/index.ts';
import type { Lowering } from '../attacks/decoys.ts';
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

export type AttackName = 'none' | 'baseline' | 'pruning-aware';

/** Clean accuracy and attack success, as shares, that a publication has of a network and a defense. */
export type PaperTable = Readonly<
  Partial<
    Record<AttackName, Readonly<Record<string, { readonly acc: number; readonly asr: number }>>>
  >
>;

/** A backdoor experiment: data, network, trigger, target, and the settings that belong together. */
export interface Task {
  readonly name: string;
  /** The real data, where the task has synthetic ones besides, for who lacks them. */
  readonly set?: SetName | undefined;
  /** @param source - 'real' by default */
  load(seed: number, source?: TaskData['source']): Promise<TaskData>;
  /** The untrained network for the classes of the data, with weights drawn by seed. */
  readonly network: (seed: number, classes: readonly string[]) => Model;
  /** The activation that is attacked and pruned; the last convolutional one by default. */
  readonly site?: string | undefined;
  readonly trigger: Trigger;
  readonly target: Target;
  readonly poisonRate: number;
  readonly training: {
    readonly epochs: number;
    readonly batchSize: number;
    readonly optimizer: OptimizerSettings;
    readonly schedule: Schedule;
    /** 'training' for networks whose BatchNormalization is to learn its statistics; see `LossSettings`. */
    readonly mode?: 'training' | undefined;
    readonly augment?: Augment | undefined;
    /** Label smoothing, see `crossEntropy`. */
    readonly smoothing?: number | undefined;
  };
  /** What a pruning-aware attacker asks for; without it, that attack is no part of the experiment. */
  readonly pruningAware?: PruningAwareOptions | undefined;
  /** The defender's settings, the same for every network and method. */
  readonly defense: RepairOptions;
  /** The table of the paper that the task is after, shown beside ours. */
  readonly paper?: PaperTable | undefined;
}

/** How far a pruning-aware attacker goes. */
export interface PruningAwareOptions<Training = Task['training']> {
  /** Share of the site's units that are pruned at first, in (0, 1): decoys to be. */
  readonly share: number;
  /** What the network with fewer units must reach on the attacker's held data; of a detector `acc` is mAP. */
  readonly asked: { readonly acc: number; readonly asr: number };
  /** How many times it may be retrained, each time with one unit more. */
  readonly budget: number;
  readonly lower: Lowering;
  /** See `DecoySettings`. */
  readonly margin: number;
  /** How to retrain; as the task trains by default. */
  readonly training?: Training | undefined;
}

/**
 * The source that a task takes its data from: what is asked for; else the real ones where they are,
 * and the synthetic ones where not, with a note that says so.
 *
 * @throws DataError `data/missing` for synthetic data of a task that has none
 */
export function sourceFor(
  { name, set }: Pick<Task, 'name' | 'set'>,
  asked?: TaskData['source'],
): { readonly source: TaskData['source']; readonly note?: string | undefined } {
  if (asked === 'synthetic' && !set) {
    throw new DataError(
      'data/missing',
      `The task "${name}" has no synthetic data: its real ones come as a package of npm, leave --data out`,
    );
  }
  if (asked !== undefined || !set) return { source: asked ?? 'real' };
  const { folder, there } = placeOf(SETS[set]);
  if (there) return { source: 'real' };
  return {
    source: 'synthetic',
    note: `Synthetic data instead of real ones, about which they say nothing: ${missingMessage(SETS[set], folder)}`,
  };
}

/** A twentieth of the data, to see that everything runs: what comes of it says nothing. */
export function fewerOf({ train, validation, test, source }: TaskData, seed: number): TaskData {
  const part = (all: Dataset) =>
    take(all, Math.max(3 * all.classes.length, Math.round(all.length / 20)), seed);
  return { train: part(train), validation: part(validation), test: part(test), source };
}
