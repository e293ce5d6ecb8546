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

/** How samples go in, and what the loss is taken of. */
export interface LossSettings {
  /** The graph's input that takes the samples, and its output that gives logits. */
  readonly input: string;
  readonly logits: string;
  /** Dims of one sample. */
  readonly sample: readonly number[];
  readonly classes: number;
  readonly batchSize: number;
  /** Initializers to train, or to differentiate by. */
  readonly parameters: readonly string[];
  /**
   * 'as written' (the default): Dropout and BatchNormalization do what the graph says, which in a
   * network made for use is to drop nothing and to normalize by the statistics given. 'dropout':
   * Dropout drops, drawn by `seed`. 'training': it does, and BatchNormalization normalizes by the
   * batch; its running statistics are among the parameters that a step gives.
   */
  readonly mode?: TrainingMode | undefined;
  readonly seed?: number | undefined;
  /** Label smoothing, see `crossEntropy`; default 0. */
  readonly smoothing?: number | undefined;
}

export interface StepSettings extends LossSettings, Omit<UpdateSettings, 'parameters'> {
  readonly session?: SessionOptions | undefined;
}

/** A training step made ready: forward, loss and backward in one run of one graph, then the update. */
export interface TrainingStep extends TrainingParameters {
  /** Loss and weight of right answers of one batch, before the update it causes. */
  run(batch: Batch, rate: number): Promise<{ loss: number; correct: number }>;
  dispose(): Promise<void>;
}

export interface Batch {
  readonly x: Float32Array;
  readonly y: Int32Array;
  readonly weights: Float32Array;
}

/**
 * Tells which of the parameters the step can train, and why not the others: for a network with an
 * operator that has no gradient, the rest may be trained by leaving them out of the settings.
 */
export async function trainableIn(
  runtime: Runtime,
  graph: Graph,
  settings: StepSettings,
): Promise<Trainable> {
  const { traced, loss } = await traceLoss(runtime, graph, settings);
  return trainable(traced, loss, settings.parameters);
}

/** The graph with its loss, traced in the form in which it is differentiated. */
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

/** Traces a graph in the form in which it is differentiated: recurrent layers written out step by step. */
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

/** Makes the training graph, a session that runs it, and the memory that its parameters live in. */
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
  const memory = createUpdater(initialValues(graph, updates), updates, settings, session.types);
  return stepWith(session, memory, names, settings);
}

/** Apart from where the session is made, so that what that took is free while the step lives. */
function stepWith(
  session: Session,
  memory: Updater,
  names: Readonly<Record<'labels' | 'weights' | 'loss' | 'correct', string>>,
  settings: StepSettings,
): TrainingStep {
  const scalars = { loss: zeros([]), correct: zeros([]) };
  const labels = new BigInt64Array(settings.batchSize);
  return {
    ...memory.trained,
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
      return memory.step(rate, async (own, next) => {
        await session.run({ ...feeds, ...own }, { ...fetches, ...next });
        return { loss: scalars.loss.data[0] as number, correct: scalars.correct.data[0] as number };
      });
    },
    dispose: () => session.dispose(),
  };
}
