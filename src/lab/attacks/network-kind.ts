import type { Dataset } from '../../data/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Network } from '../../network/index.ts';
import type { Graph, Model, TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Trigger } from '../triggers/trigger.ts';
import type { Poisoned, PoisonOptions } from './poison.ts';
import { withWeightsOf } from './weights.ts';

/** Mean loss of one epoch of training and, of a classifier, its accuracy on the training samples. */
export interface AttackEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy?: number | undefined;
}

export interface TrainingRun {
  readonly seed: number;
  /** Instead of the epochs of the task. */
  readonly epochs?: number | undefined;
  /** Parameters of pruned units: 0 where they stay at zero. */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

export interface TrainedModel {
  readonly model: Model;
  readonly epochs: readonly AttackEpoch[];
}

/**
 * A kind of network: how the attacker opens, trains and poisons it. One object in one file; a task names
 * its kind.
 *
 * @typeParam T - the settings of training
 */
export interface NetworkKind<T extends object = object> {
  /** The start of the baseline attack: a new network, or one that was trained on clean data. */
  readonly baselineFrom: 'scratch' | 'clean';
  open(runtime: Runtime, model: Model, dataset: Dataset): Promise<Network>;
  /** Trains a network of this project from the weights that it has. */
  train(
    runtime: Runtime,
    model: Model,
    dataset: Dataset,
    training: T,
    run: TrainingRun,
  ): Promise<TrainedModel>;
  /** Trains a graph that was made from an opened model. */
  trainGraph(
    runtime: Runtime,
    from: OpenedModel,
    dataset: Dataset,
    training: T,
    run: TrainingRun,
  ): Promise<{ readonly graph: Graph; readonly epochs: readonly AttackEpoch[] }>;
  /** @throws PoisonError, TriggerError where the data cannot be poisoned as asked */
  poison(dataset: Dataset, options: PoisonOptions): Poisoned;
  /** The samples that are attacked, with the trigger and their true labels. */
  triggered(dataset: Dataset, trigger: Trigger, target: Target): Dataset;
  /**
   * The triggered data that an attack is tested on.
   *
   * @param clean - a network without a backdoor; samples that it gets wrong without the trigger are not
   *   counted where the kind says so
   */
  triggeredTest(
    runtime: Runtime,
    dataset: Dataset,
    attack: { readonly trigger: Trigger; readonly target: Target },
    clean: Model | undefined,
  ): Promise<Dataset>;
}

/** A model as a network, and a graph made from it. */
export interface OpenedModel {
  readonly model: Model;
  readonly network: Network;
  readonly graph: Graph;
}

/**
 * Trains any model of a kind, also one that this project did not make: only its weights change.
 *
 * @param data.clean - samples of the model's input size, to open it with
 * @throws what opening the model throws
 */
export async function trainedFurther<T extends object>(
  runtime: Runtime,
  kind: NetworkKind<T>,
  model: Model,
  data: { readonly clean: Dataset; readonly poisoned: Dataset },
  training: T,
  run: TrainingRun,
): Promise<TrainedModel> {
  const network = await kind.open(runtime, model, data.clean);
  const from = { model, network, graph: network.graph };
  const { graph, epochs } = await kind.trainGraph(runtime, from, data.poisoned, training, run);
  return { model: withWeightsOf(model, graph), epochs };
}
