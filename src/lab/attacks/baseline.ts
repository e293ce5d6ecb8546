import type { Dataset } from '../../data/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { Attack } from './attack.ts';
import { trainedFurther, type AttackEpoch, type TrainingRun } from './network-kind.ts';
import type { Poisoned } from './poison.ts';

/** Settings of an attack; by default those of the task. */
export interface AttackSettings extends Omit<TrainingRun, 'masks'> {
  /** Share of the training data that is poisoned. */
  readonly poisonRate?: number | undefined;
  readonly target?: Target | undefined;
  readonly trigger?: Trigger | undefined;
  /** Stamp samples of the target class only, and leave labels as they are; default false. */
  readonly cleanLabel?: boolean | undefined;
}

export interface BaselineSettings extends AttackSettings {
  /** A network to start from; without it, a new one. */
  readonly from?: Model | undefined;
}

export interface AttackResult {
  /** The network with a backdoor. It has the architecture of a clean one. */
  readonly model: Model;
  /** The poisoned training samples, ascending. */
  readonly poisoned: Uint32Array;
  readonly target: Target;
  readonly poisonRate: number;
  /** Every epoch on the poisoned training data. */
  readonly epochs: readonly AttackEpoch[];
}

/**
 * The baseline attack (BadNets): poison a share of the training data and train on it, from scratch or
 * from the weights of a clean network.
 *
 * @throws PoisonError, TriggerError where the data cannot be poisoned as asked; what opening the network
 *   throws
 */
export async function baselineAttack(
  runtime: Runtime,
  task: Task,
  { train }: Pick<TaskData, 'train'>,
  settings: BaselineSettings,
): Promise<AttackResult> {
  const { dataset, ...record } = poisonFor(task, train, settings);
  const { kind } = task;
  const { from, seed } = settings;
  const training = task.poisoning ?? task.training;
  const data = { clean: train, poisoned: dataset };
  const { model, epochs } = from
    ? await trainedFurther(runtime, kind, from, data, training, settings)
    : await kind.train(runtime, task.network(seed, train), dataset, training, settings);
  return { model, epochs, ...record };
}

/** Poisons data by the settings, which are those of the task by default. */
export function poisonFor(
  { kind, ...task }: Task,
  clean: Dataset,
  settings: AttackSettings,
): Poisoned & Pick<AttackResult, 'target' | 'poisonRate'> {
  const { seed, poisonRate = task.poisonRate, target = task.target } = settings;
  const poisoned = kind.poison(clean, {
    trigger: settings.trigger ?? task.trigger,
    target,
    rate: poisonRate,
    seed,
    cleanLabel: settings.cleanLabel === true,
  });
  return { ...poisoned, target, poisonRate };
}

/** A task's network trained on clean data. Attacks start from it and are compared with it. */
export async function cleanNetwork(
  runtime: Runtime,
  { kind, network, training }: Task,
  train: Dataset,
  run: Omit<TrainingRun, 'masks'>,
): Promise<Model> {
  return (await kind.train(runtime, network(run.seed, train), train, training, run)).model;
}

export const baseline: Attack = {
  name: 'baseline',
  description: 'train on poisoned data',
  source: 'Gu, Dolan-Gavitt, Garg 2017 (BadNets); Fine-Pruning, section 2.3',
  fits: () => true,
  startsFromClean: ({ kind }) => kind.baselineFrom === 'clean',
  async run({ runtime, task, data, seed, clean, signal, progress }) {
    const { model } = await baselineAttack(runtime, task, data, {
      seed,
      from: task.kind.baselineFrom === 'clean' ? clean : undefined,
      signal,
      onProgress: (done, all) => progress('train', done, all),
    });
    return { model };
  },
};
