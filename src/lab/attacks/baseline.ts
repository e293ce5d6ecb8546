import { openClassifier } from '../../network/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { endsOf, trainedOn, withWeightsOf, type AttackEpoch, type TrainingRun } from './network.ts';
import { poison, type Poisoned } from './poison.ts';

export interface AttackSettings extends Omit<TrainingRun, 'masks'> {
  /** Share of the training data that is poisoned; this and what follows is the task's by default. */
  readonly poisonRate?: number | undefined;
  readonly target?: Target | undefined;
  readonly trigger?: Trigger | undefined;
  /** Stamp samples of the target class only, and leave labels as they are. */
  readonly cleanLabel?: boolean | undefined;
}

export interface BaselineSettings extends AttackSettings {
  /** A network to train on; from scratch without it. */
  readonly from?: Model | undefined;
}

export interface Attack {
  /** The network with a backdoor: of the same architecture as a clean one. */
  readonly model: Model;
  /** Which training samples were poisoned. */
  readonly poisoned: Uint32Array;
  readonly target: Target;
  readonly poisonRate: number;
  /** Every epoch on the poisoned training data. */
  readonly epochs: readonly AttackEpoch[];
}

/**
 * The baseline attack (BadNets): poison a share of the training data, and train on it, from scratch or
 * from the weights of a clean network.
 *
 * @throws PoisonError, TriggerError where the data cannot be poisoned as asked; what `openClassifier`
 *   throws of a network given
 */
export async function baselineAttack(
  runtime: Runtime,
  task: Task,
  data: Pick<TaskData, 'train'>,
  settings: BaselineSettings,
): Promise<Attack> {
  const { dataset, ...record } = poisonFor(task, data.train, settings);
  const { from } = settings;
  const network = from ?? task.network(settings.seed, data.train.classes);
  const { graph, ends } = from
    ? await opened(runtime, from, data.train)
    : { graph: network.graph, ends: endsOf(network.graph) };
  const trained = await trainedOn(runtime, graph, ends, dataset, task.training, settings);
  return {
    model: from ? withWeightsOf(from, trained.graph) : { ...network, graph: trained.graph },
    epochs: trained.epochs,
    ...record,
  };
}

async function opened(runtime: Runtime, model: Model, dataset: TaskData['train']) {
  const classifier = await openClassifier(runtime, model, dataset);
  return { graph: classifier.graph, ends: classifier };
}

/** Poisons data as settings ask, or else as the task has it. */
export function poisonFor(
  task: Task,
  clean: TaskData['train'],
  settings: AttackSettings,
): Poisoned & Pick<Attack, 'target' | 'poisonRate'> {
  const { seed, poisonRate = task.poisonRate, target = task.target } = settings;
  const poisoned = poison(clean, {
    trigger: settings.trigger ?? task.trigger,
    target,
    rate: poisonRate,
    seed,
    cleanLabel: settings.cleanLabel === true,
  });
  return { ...poisoned, target, poisonRate };
}
