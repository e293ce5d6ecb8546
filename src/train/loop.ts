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
  /** Number of epochs of the whole run, which the schedule needs. */
  readonly epochs: number;
  readonly schedule: Schedule;
  /** Seed of the order of the samples in each epoch. */
  readonly seed: number;
  /** Changes each batch in place before the step. Its random draws depend on seed and epoch. */
  readonly augment?: Augment | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step with the steps done, the total number of steps, and the batch's loss. */
  readonly onStep?: ((done: number, all: number, loss: number) => void) | undefined;
}

export interface EpochCallbacks<E> {
  /** Called after each epoch; 'stop' ends training. */
  readonly onEpoch?: ((epoch: E) => Promise<'continue' | 'stop'> | 'continue' | 'stop') | undefined;
}

export interface TrainSettings
  extends
    EpochSettings,
    EpochCallbacks<Epoch>,
    Omit<StepSettings, 'sample' | 'classes' | 'batchSize' | 'seed'> {}

/** The result of one epoch. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean loss over the epoch's samples, each before the step that used it. */
  readonly loss: number;
  /** Share of the epoch's samples classified correctly, 0 to 1, each before the step that used it. */
  readonly accuracy: number;
  /** Learning rate of the epoch's last step. */
  readonly rate: number;
  /** Views that the next step changes: copy them to keep them. */
  readonly parameters: Parameters;
}

/**
 * Trains some initializers of a graph on a data set.
 *
 * @param graph - in the canonical opset; it does not change
 * @returns a copy of the parameters after the last epoch
 * @throws TrainError for a setting out of range; AutodiffError where a parameter has no gradient; RuntimeError where a step fails; the
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

/**
 * Runs all epochs, or until `onEpoch` stops them, then disposes of the step.
 *
 * @throws TrainError unless `epochs` is a whole number of 1 or more
 */
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
 * Trains one epoch. The result depends only on the epoch's number, the seed and the state of the step,
 * so that a resumed run repeats it exactly.
 *
 * @param epoch - from 1
 */
export async function trainEpoch(
  step: TrainingStep,
  dataset: Dataset,
  settings: EpochSettings,
  epoch: number,
): Promise<Epoch> {
  const { batchSize, epochs, schedule, seed } = settings;
  const stepsPerEpoch = Math.ceil(dataset.length / batchSize);
  const order = epochOrder(dataset.length, seed, epoch);
  const draw = random(seed, `augment/${epoch}`);
  let [loss, correct, rate] = [0, 0, 0];
  let done = (epoch - 1) * stepsPerEpoch;
  for await (const batch of batches(dataset, { batchSize, order })) {
    settings.signal?.throwIfAborted();
    rate = schedule(done / (stepsPerEpoch * epochs));
    settings.augment?.(batch.x, dataset.sample, draw);
    const result = await step.run(batch, rate);
    loss += result.loss * batch.count;
    correct += result.correct;
    done += 1;
    settings.onStep?.(done, stepsPerEpoch * epochs, result.loss);
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

/** The graph with these initializers replaced. */
export function withParameters(graph: Graph, parameters: Parameters): Graph {
  return { ...graph, initializers: new Map([...graph.initializers, ...parameters]) };
}
