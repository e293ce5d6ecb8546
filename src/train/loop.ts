import { type Augment, batches, type Dataset, epochOrder, random } from '../data/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { checkSettings } from './check.ts';
import { fixedBatchSize } from './predict.ts';
import type { Schedule } from './schedules.ts';
import { trainingStep, type StepSettings, type TrainingStep } from './step.ts';
import type { Parameters, TrainingParameters } from './updates.ts';

export interface EpochSettings {
  readonly batchSize: number;
  /** Of the whole run, for the schedule. */
  readonly epochs: number;
  readonly schedule: Schedule;
  /** Decides the order of the samples in every epoch. */
  readonly seed: number;
  /** Changes every batch before it is trained on; drawn by seed and epoch. */
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every step, with the steps done, their whole number, and the batch's loss. */
  readonly onStep?: ((done: number, all: number, loss: number) => void) | undefined;
}

export interface EpochCallbacks<E> {
  /** Called after every epoch with the parameters then; may ask to stop. */
  readonly onEpoch?: ((epoch: E) => Promise<'go on' | 'stop'> | 'go on' | 'stop') | undefined;
}

export interface TrainSettings
  extends
    EpochSettings,
    EpochCallbacks<Epoch>,
    Omit<StepSettings, 'sample' | 'classes' | 'batchSize' | 'seed'> {}

/** What an epoch of training came to. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean loss and share of right answers over the epoch's samples, as they were trained on. */
  readonly loss: number;
  readonly accuracy: number;
  /** Learning rate of the epoch's last step. */
  readonly rate: number;
  /** Live: copy what must last. */
  readonly parameters: Parameters;
}

/**
 * Trains some initializers of a graph on a data set.
 *
 * @param graph - in the canonical opset; it is not changed
 * @returns the parameters after the last epoch, copied
 * @throws AutodiffError where a parameter cannot be trained; RuntimeError where a step fails; the
 *   signal's reason when it aborts
 */
export async function train(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  settings: TrainSettings,
): Promise<Map<string, TensorOf<'float32'>>> {
  checkSettings(settings);
  const batchSize = fixedBatchSize(graph, settings.input) ?? settings.batchSize;
  const step = await trainingStep(runtime, graph, {
    ...settings,
    batchSize,
    sample: dataset.sample,
    classes: dataset.classes.length,
  });
  return runEpochs(step, settings, (epoch) =>
    trainEpoch(step, dataset, { ...settings, batchSize }, epoch),
  );
}

/** Runs epochs until the last or until told to stop, and disposes of the step. */
export async function runEpochs<E>(
  step: TrainingParameters & { dispose(): Promise<void> },
  { epochs, onEpoch }: EpochCallbacks<E> & Pick<EpochSettings, 'epochs'>,
  run: (epoch: number) => Promise<E>,
): Promise<Map<string, TensorOf<'float32'>>> {
  try {
    checkSettings({ epochs });
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      const result = await run(epoch);
      if ((await onEpoch?.(result)) === 'stop') break;
    }
    return copyParameters(step.parameters());
  } finally {
    await step.dispose();
  }
}

/**
 * Trains one epoch, from 1 on: what it does depends on its number, the seed and the state of the
 * step, and on nothing that went before.
 */
export async function trainEpoch(
  step: TrainingStep,
  dataset: Dataset,
  settings: EpochSettings,
  epoch: number,
): Promise<Epoch> {
  const { batchSize, epochs, schedule, seed } = settings;
  const each = Math.ceil(dataset.length / batchSize);
  const order = epochOrder(dataset.length, seed, epoch);
  const draw = random(seed, `augment/${epoch}`);
  let [loss, correct, rate] = [0, 0, 0];
  let done = (epoch - 1) * each;
  for await (const batch of batches(dataset, { batchSize, order })) {
    settings.signal?.throwIfAborted();
    rate = schedule(done / (each * epochs));
    settings.augment?.(batch.x, dataset.sample, draw);
    const result = await step.run(batch, rate);
    loss += result.loss * batch.count;
    correct += result.correct;
    done += 1;
    settings.onStep?.(done, each * epochs, result.loss);
  }
  return {
    epoch,
    loss: loss / dataset.length,
    accuracy: correct / dataset.length,
    rate,
    parameters: step.parameters(),
  };
}

export function copyParameters(parameters: Parameters): Map<string, TensorOf<'float32'>> {
  return new Map(
    [...parameters].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
}

/** A graph with some of its initializers replaced. */
export function withParameters(graph: Graph, parameters: Parameters): Graph {
  return { ...graph, initializers: new Map([...graph.initializers, ...parameters]) };
}
