import { DataError, type Dataset, take } from '../../data/index.ts';
import { missingMessage, placeOf, SETS, type SetName } from '../data/sets/sets.ts';
import type { RepairOptions } from '../../defense/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Lowering } from '../attacks/decoys.ts';
import type { NetworkKind } from '../attacks/network-kind.ts';
import type { Trigger } from '../triggers/trigger.ts';

/** Clean data, split once by seed. No sample is in two parts. */
export interface TaskData {
  /** The attacker's. */
  readonly train: Dataset;
  /** The defender's: everything is chosen on it. */
  readonly validation: Dataset;
  /** Reported only; it chooses nothing. */
  readonly test: Dataset;
  readonly source: 'real' | 'synthetic';
}

/** Clean accuracy and attack success in a publication, as shares: by attack, then by defense. */
export type PaperTable = Readonly<
  Record<string, Readonly<Record<string, { readonly acc: number; readonly asr: number }>>>
>;

/** A backdoor experiment: data, network, trigger, target, and the settings that belong together. */
export interface Task<T extends object = object> {
  readonly name: string;
  /** The real data, of a task that has synthetic data as well. */
  readonly set?: SetName | undefined;
  /** @param source - 'real' by default */
  load(seed: number, source?: TaskData['source']): Promise<TaskData>;
  /** How its networks are opened, trained and poisoned. */
  readonly kind: NetworkKind<T>;
  /** The untrained network for the data, with weights drawn by seed. */
  readonly network: (seed: number, data: Pick<Dataset, 'classes' | 'sample'>) => Model;
  /** The activation that is attacked and pruned; without it, the default site. */
  readonly site?: string | undefined;
  /** Of scenes, one that fits objects: see `fitsObjects`. */
  readonly trigger: Trigger;
  readonly target: Target;
  /** See `PoisonOptions`. */
  readonly poisonRate: number;
  readonly training: T;
  /** How a network is trained on poisoned data; by default as on clean data. */
  readonly poisoning?: T | undefined;
  /** Settings of the pruning-aware attack; without them, the experiment leaves it out. */
  readonly pruningAware?: PruningAwareOptions<T> | undefined;
  /** The defender's settings, the same for all networks and defenses. */
  readonly defense: RepairOptions;
  /** Test samples on which units are ablated one by one; default 1000. */
  readonly ablationSamples?: number | undefined;
  /** The results of the paper, shown next to ours. */
  readonly paper?: PaperTable | undefined;
}

/** Settings of the pruning-aware attack. */
export interface PruningAwareOptions<T extends object = object> {
  /** Share of the site's units that are pruned first and become decoys, in (0, 1). */
  readonly share: number;
  /** What a retraining must reach on the attacker's holdout; for a detector, `acc` is mAP. */
  readonly asked: { readonly acc: number; readonly asr: number };
  /** The largest number of retrainings. Each has one unit more than the one before. */
  readonly budget: number;
  readonly lower: Lowering;
  /** See `DecoySettings`. */
  readonly margin: number;
  /** How to retrain; by default as the task trains on poisoned data. */
  readonly training?: T | undefined;
}

/**
 * Chooses between real and synthetic data: as asked; by default real data where they are found, else
 * synthetic data, with a note that says so.
 *
 * @throws DataError `data/missing` where synthetic data are asked of a task that has none
 */
export function sourceFor(
  { name, set }: Pick<Task, 'name' | 'set'>,
  asked?: TaskData['source'],
): { readonly source: TaskData['source']; readonly note?: string | undefined } {
  if (asked === 'synthetic' && !set) {
    throw new DataError(
      'data/missing',
      `The task "${name}" has no synthetic data. Its real data come with an npm package: leave --data out`,
    );
  }
  if (asked !== undefined || !set) return { source: asked ?? 'real' };
  const { folder, there } = placeOf(SETS[set]);
  if (there) return { source: 'real' };
  return {
    source: 'synthetic',
    note: `Synthetic data are used, which say nothing about real data: ${missingMessage(SETS[set], folder)}`,
  };
}

/** A twentieth of the data, to check that everything runs. Its results mean nothing. */
export function fewerOf({ train, validation, test, source }: TaskData, seed: number): TaskData {
  const part = (all: Dataset) =>
    take(all, Math.max(3 * all.classes.length, Math.round(all.length / 20)), seed);
  return { train: part(train), validation: part(validation), test: part(test), source };
}
