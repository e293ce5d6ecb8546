import { trainable, type Trainable } from '../autodiff/index.ts';
import { Builder, lowerRecurrent, modelOf, OPSET, subgraph, type Traced } from '../graph/index.ts';
import type { Graph, Tensor } from '../onnx/index.ts';
import {
  type Feeds,
  type Runtime,
  type Session,
  type SessionOptions,
  inferTypes,
} from '../runtime/index.ts';
import { checkSettings } from './check.ts';
import { memoryOptions } from './memory-options.ts';
import { crossEntropy } from './losses.ts';
import { rewriteForTraining } from './rewrites/index.ts';
import { toTrainingMode, type TrainingMode } from './training-mode.ts';
import {
  hasGradientTypes,
  createUpdater,
  initialValues,
  trainingGraph,
  zeros,
  type Updater,
  type TrainingParameters,
  type UpdateSettings,
} from './updates.ts';

/** Names, sizes and options of a loss. */
export interface LossSettings {
  /** Name of the graph's input. */
  readonly input: string;
  /** Name of the graph's output with the logits, dims [batch, classes]. */
  readonly logits: string;
  /** Dims of one sample. */
  readonly sample: readonly number[];
  readonly classes: number;
  readonly batchSize: number;
  /** Names of the initializers to train. */
  readonly parameters: readonly string[];
  /**
   * 'as written' (the default): Dropout and BatchNormalization keep the mode that the graph has; in an
   * exported network, inference mode. 'dropout': Dropout is active, seeded by `seed`. 'training': also,
   * BatchNormalization uses batch statistics, and the step's parameters include its running statistics.
   */
  readonly mode?: TrainingMode | undefined;
  readonly seed?: number | undefined;
  /** Label smoothing in [0, 1), see `crossEntropy`; default 0. */
  readonly smoothing?: number | undefined;
}

export interface StepSettings extends LossSettings, Omit<UpdateSettings, 'parameters'> {
  readonly session?: SessionOptions | undefined;
}

/** One training step: a run of one graph (forward, loss and backward), then the optimizer's update. */
export interface TrainingStep extends TrainingParameters {
  /**
   * Makes one step.
   *
   * @returns mean loss and total weight of correctly classified samples, both before the update
   * @throws TrainError unless `rate` is a number of 0 or more; RuntimeError where the run fails
   */
  run(batch: Batch, rate: number): Promise<{ loss: number; correct: number }>;
  dispose(): Promise<void>;
}

export interface Batch {
  /** Samples, dims [batch, ...sample]. */
  readonly x: Float32Array;
  /** Labels, dims [batch]. */
  readonly y: Int32Array;
  /** Weights of the samples in the loss, dims [batch]; 0 for padding. */
  readonly weights: Float32Array;
}

/**
 * Finds the parameters that a step can train, and why it cannot train the others. A network with an
 * operator that has no gradient can be trained if the blocked parameters are left out of the settings.
 */
export async function trainableIn(
  runtime: Runtime,
  graph: Graph,
  settings: StepSettings,
): Promise<Trainable> {
  const { traced, loss } = await traceLoss(runtime, graph, settings);
  return trainable(traced, loss, settings.parameters);
}

/**
 * Adds the loss to a graph and traces both.
 *
 * @throws TrainError for a setting out of range; RuntimeError where the graph does not run
 */
export async function traceLoss(runtime: Runtime, graph: Graph, settings: LossSettings) {
  checkSettings(settings);
  const { batchSize, sample, classes, seed = 0, mode = 'as written' } = settings;
  const { graph: trained, running } = toTrainingMode(graph, seed, mode);
  const forward = new Builder(trained);
  const labels = forward.input('labels', 'int64', [batchSize]);
  const weights = forward.input('weights', 'float32', [batchSize]);
  const { loss, correct } = crossEntropy(forward, {
    logits: settings.logits,
    labels,
    weights,
    classes,
    smoothing: settings.smoothing,
  });
  const feeds: Feeds = {
    [settings.input]: zeros([batchSize, ...sample]),
    [labels]: { type: 'int64', dims: [batchSize], data: new BigInt64Array(batchSize) },
    [weights]: { type: 'float32', dims: [batchSize], data: new Float32Array(batchSize).fill(1) },
  };
  const statistics = running.map(([now]) => now);
  const outputs = [loss, correct, ...running.map(([, next]) => next)].map((name) => ({ name }));
  const needed = subgraph(forward.build(outputs), [], outputs);
  const kept = [...settings.parameters, ...statistics];
  const traced = await traceForTraining(runtime, needed, feeds, kept);
  return { traced, feeds, labels, weights, loss, correct, running };
}

/** Traces a graph, unrolls recurrent layers, and rewrites the result so that it trains faster. */
export async function traceForTraining(
  runtime: Runtime,
  graph: Graph,
  feeds: Feeds,
  parameters: readonly string[],
): Promise<Traced> {
  const traced = await inferTypes(runtime, graph, OPSET, feeds, parameters);
  const lowered = lowerRecurrent(traced);
  return rewriteForTraining(
    lowered.changed.length === 0
      ? traced
      : await inferTypes(runtime, lowered.graph, OPSET, feeds, parameters),
    parameters,
  );
}

/**
 * Builds the training graph, opens its session, and allocates the parameters.
 *
 * @throws TrainError for a setting out of range; AutodiffError where a parameter has no gradient;
 *   RuntimeError where ONNX Runtime does not load the graph
 */
export async function trainingStep(
  runtime: Runtime,
  graph: Graph,
  settings: StepSettings,
): Promise<TrainingStep> {
  const open = async (shaped: boolean) => {
    const { labels, weights, correct, ...traced } = await traceLoss(runtime, graph, settings);
    const { graph: step, ...updates } = trainingGraph(traced, [correct], settings, shaped);
    const session = await runtime.open(modelOf(step), {
      memoryPattern: false,
      ...memoryOptions(updates.types.values()),
      ...settings.session,
    });
    return { session, updates, names: { labels, weights, loss: traced.loss, correct } };
  };
  let opened = await open(false);
  if (!hasGradientTypes(opened.updates, opened.session)) {
    await opened.session.dispose();
    opened = await open(true);
  }
  const { session, updates, names } = opened;
  const updater = createUpdater(initialValues(graph, updates), updates, settings, session.types);
  return stepWith(session, updater, names, settings);
}

/** A function of its own, so that the closure does not keep the training graph in memory. */
function stepWith(
  session: Session,
  updater: Updater,
  names: Readonly<Record<'labels' | 'weights' | 'loss' | 'correct', string>>,
  settings: StepSettings,
): TrainingStep {
  const scalars = { loss: zeros([]), correct: zeros([]) };
  const labels = new BigInt64Array(settings.batchSize);
  return {
    ...updater.parameters,
    async run(batch, rate) {
      batch.y.forEach((label, index) => (labels[index] = BigInt(label)));
      const feeds: Record<string, Tensor> = {
        [settings.input]: {
          type: 'float32',
          dims: [settings.batchSize, ...settings.sample],
          data: batch.x,
        },
        [names.labels]: { type: 'int64', dims: [settings.batchSize], data: labels },
        [names.weights]: { type: 'float32', dims: [settings.batchSize], data: batch.weights },
      };
      const fetches = { [names.loss]: scalars.loss, [names.correct]: scalars.correct };
      return updater.step(rate, async (own, next) => {
        await session.run({ ...feeds, ...own }, { ...fetches, ...next });
        return { loss: scalars.loss.data[0] as number, correct: scalars.correct.data[0] as number };
      });
    },
    dispose: () => session.dispose(),
  };
}
