import { appendGradients, trainable, type Trainable } from '../autodiff/index.ts';
import {
  Builder,
  lowerRecurrent,
  modelOf,
  OPSET,
  subgraph,
  type Traced,
  type ValueType,
} from '../graph/index.ts';
import {
  sizeOf,
  type Graph,
  type Model,
  type Tensor,
  type TensorOf,
  type ValueInfo,
} from '../onnx/index.ts';
import {
  type Feeds,
  type Runtime,
  type Session,
  type SessionOptions,
  trace,
} from '../runtime/index.ts';
import { crossEntropy } from './losses.ts';
import { appendUpdate, momentsOf, type OptimiserSettings } from './optimisers.ts';
import { fasterToTrain } from './rewrites/index.ts';
import { inTrainingMode } from './training-mode.ts';

export type Parameters = ReadonlyMap<string, TensorOf<'float32'>>;

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
   * network made for use is to drop nothing and to normalise by the statistics given. 'training':
   * Dropout drops, drawn by `seed`, and BatchNormalization normalises by the batch; its running
   * statistics are among the parameters that a step gives.
   */
  readonly mode?: 'as written' | 'training';
  readonly seed?: number;
  /** Label smoothing, see `crossEntropy`; default 0. */
  readonly smoothing?: number;
}

export interface StepSettings extends LossSettings {
  readonly optimiser: OptimiserSettings;
  /**
   * For some parameters, 0 where an element is held at zero and 1 elsewhere (dims that broadcast
   * to the parameter's): whatever the optimiser does, what is pruned stays pruned.
   */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>>;
  /** For some parameters, a rate of their own: see `Update.scale`. */
  readonly scales?: ReadonlyMap<string, number>;
  readonly session?: SessionOptions;
}

/** A training step made ready: forward, loss, backward and update in one run of one graph. */
export interface TrainingStep {
  /** Current values, live, running statistics too: read them between steps, copy what must last. */
  parameters(): Parameters;
  /** Loss and weight of right answers of one batch, before the update it causes. */
  run(batch: Batch, rate: number): Promise<{ loss: number; correct: number }>;
  /** Replaces the parameters, and forgets the moments. */
  reset(parameters: Parameters): void;
  /** All that the next steps depend on, copied. */
  state(): TrainingState;
  /** Goes on from a state, to the bit as if training had never left it. */
  restore(state: TrainingState): void;
  dispose(): Promise<void>;
}

/** Parameters and moments by name, and how many steps were made. */
export interface TrainingState {
  readonly steps: number;
  readonly values: ReadonlyMap<string, Float32Array>;
}

export interface Batch {
  readonly x: Float32Array;
  readonly y: Int32Array;
  readonly weights: Float32Array;
}

interface Names {
  readonly labels: string;
  readonly weights: string;
  readonly rate: string;
  readonly step: string;
  readonly loss: string;
  readonly correct: string;
  /** Initializers that a step changes: parameters and running statistics. */
  readonly kept: readonly string[];
  /** A parameter, moment or statistic and its next value. */
  readonly state: readonly (readonly [now: string, next: string, type: ValueType])[];
}

/** The graph of one training step, and the names of its inputs and outputs. */
export async function trainingGraph(
  runtime: Runtime,
  graph: Graph,
  settings: StepSettings,
): Promise<{ model: Model; names: Names }> {
  const { optimiser } = settings;
  const { traced, feeds, labels, weights, loss, correct, running } = await traceLoss(
    runtime,
    graph,
    settings,
  );
  const b = new Builder(traced.graph);
  const gradients = appendGradients(b, traced, loss, settings.parameters);
  const rate = b.input('rate', 'float32', []);
  const step = b.input('step', 'float32', []);
  const state: [string, string, ValueType][] = [];
  for (const parameter of settings.parameters) {
    const type = traced.values.get(parameter) as ValueType;
    const dims = compact(type.dims);
    const shaped = (value: string, to: readonly number[]) =>
      dims === type.dims ? value : b.op('Reshape', [value, b.ints(to)]);
    const moments = Array.from({ length: momentsOf(optimiser) }, (_, index) =>
      b.input(`${parameter}.moment${index}`, 'float32', dims),
    );
    const scale = settings.scales?.get(parameter);
    const next = appendUpdate(b, optimiser, {
      parameter: shaped(parameter, dims),
      gradient: shaped(gradients.get(parameter) as string, dims),
      moments,
      rate,
      step,
      ...(scale !== undefined && { scale }),
    });
    const updated = shaped(next.parameter, type.dims);
    const mask = settings.masks?.get(parameter);
    const kept = mask ? b.op('Mul', [updated, b.constant(mask)]) : updated;
    state.push([parameter, kept, type]);
    for (const [index, moment] of moments.entries()) {
      state.push([moment, next.moments[index] as string, { ...type, dims }]);
    }
  }
  for (const [now, next] of running) state.push([now, next, traced.values.get(now) as ValueType]);
  const outputs: ValueInfo[] = [loss, correct, ...state.map(([, next]) => next)].map((name) => ({
    name,
  }));
  const built = b.build(outputs, 'training step');
  const kept = [...settings.parameters, ...running.map(([now]) => now)];
  const model = modelOf(
    subgraph(
      { ...built, inputs: specialise(built.inputs, feeds) },
      kept.map((name) => ({ name, ...(traced.values.get(name) as ValueType) })),
      outputs,
    ),
  );
  return { model, names: { labels, weights, rate, step, loss, correct, kept, state } };
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
  const { batchSize, sample, classes } = settings;
  const { graph: trained, running } =
    settings.mode === 'training'
      ? inTrainingMode(graph, settings.seed ?? 0)
      : { graph, running: [] };
  const forward = new Builder(trained);
  const labels = forward.input('labels', 'int64', [batchSize]);
  const weights = forward.input('weights', 'float32', [batchSize]);
  const { loss, correct } = crossEntropy(forward, {
    logits: settings.logits,
    labels,
    weights,
    classes,
    ...(settings.smoothing !== undefined && { smoothing: settings.smoothing }),
  });
  const feeds: Feeds = {
    [settings.input]: float(Array.of(batchSize, ...sample)),
    [labels]: { type: 'int64', dims: [batchSize], data: new BigInt64Array(batchSize) },
    [weights]: { type: 'float32', dims: [batchSize], data: new Float32Array(batchSize).fill(1) },
  };
  const statistics = running.map(([now]) => now);
  const outputs = [loss, correct, ...running.map(([, next]) => next)].map((name) => ({ name }));
  const needed = subgraph(forward.build(outputs), [], outputs);
  const kept = [...settings.parameters, ...statistics];
  const traced = await traceToTrain(runtime, needed, feeds, kept);
  return { traced, feeds, labels, weights, loss, correct, running };
}

/** Traces a graph in the form in which it is differentiated: recurrent layers written out step by step. */
export async function traceToTrain(
  runtime: Runtime,
  graph: Graph,
  feeds: Feeds,
  parameters: readonly string[],
): Promise<Traced> {
  const traced = await trace(runtime, graph, OPSET, feeds, parameters);
  const lowered = lowerRecurrent(traced);
  return fasterToTrain(
    lowered.changed.length === 0
      ? traced
      : await trace(runtime, lowered.graph, OPSET, feeds, parameters),
    parameters,
  );
}

/** Makes the training graph and a session that runs it, state kept between two sets of buffers. */
export async function trainingStep(
  runtime: Runtime,
  graph: Graph,
  settings: StepSettings,
): Promise<TrainingStep> {
  const { model, names } = await trainingGraph(runtime, graph, settings);
  const session = await runtime.open(model, settings.session);
  let now = new Map(names.state.map(([name, , { dims }]) => [name, float(dims)]));
  let next = new Map(names.state.map(([name, , { dims }]) => [name, float(dims)]));
  const scalars = { loss: float([]), correct: float([]) };
  const labels = new BigInt64Array(settings.batchSize);
  let steps = 0;

  const restore = (state: TrainingState) => {
    steps = state.steps;
    for (const [name] of names.state) {
      const buffer = (now.get(name) as TensorOf<'float32'>).data;
      const given = state.values.get(name);
      if (given) buffer.set(given);
      else buffer.fill(0);
    }
  };
  const reset = (parameters: Parameters) =>
    restore({
      steps: 0,
      values: new Map([...parameters].map(([name, { data }]) => [name, data])),
    });
  reset(
    new Map(names.kept.map((name) => [name, graph.initializers.get(name) as TensorOf<'float32'>])),
  );

  return {
    parameters: () =>
      new Map(names.kept.map((name) => [name, now.get(name) as TensorOf<'float32'>])),
    reset,
    state: () => ({
      steps,
      values: new Map([...now].map(([name, { data }]) => [name, data.slice()])),
    }),
    restore,
    async run(batch, rate) {
      steps += 1;
      batch.y.forEach((label, index) => (labels[index] = BigInt(label)));
      const feeds: Record<string, Tensor> = {
        [settings.input]: {
          type: 'float32',
          dims: [settings.batchSize, ...settings.sample],
          data: batch.x,
        },
        [names.labels]: { type: 'int64', dims: [settings.batchSize], data: labels },
        [names.weights]: { type: 'float32', dims: [settings.batchSize], data: batch.weights },
        [names.rate]: { type: 'float32', dims: [], data: Float32Array.of(rate) },
        [names.step]: { type: 'float32', dims: [], data: Float32Array.of(steps) },
      };
      const fetches: Record<string, Tensor> = {
        [names.loss]: scalars.loss,
        [names.correct]: scalars.correct,
      };
      for (const [name, following] of names.state) {
        feeds[name] = now.get(name) as Tensor;
        fetches[following] = next.get(name) as Tensor;
      }
      await session.run(known(session, feeds), fetches);
      [now, next] = [next, now];
      return { loss: scalars.loss.data[0] as number, correct: scalars.correct.data[0] as number };
    },
    dispose: () => session.dispose(),
  };
}

/** Feeds that the graph has: an optimiser may not use the number of the step. */
function known(session: Session, feeds: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(session.inputs.map((name) => [name, feeds[name] as Tensor]));
}

/**
 * One axis in place of dims that end in 1: ONNX Runtime 1.30 multiplies such a tensor by a scalar one
 * element at a time, forty times slower.
 */
function compact(dims: readonly number[]): readonly number[] {
  return dims.length > 1 && dims.at(-1) === 1 ? [sizeOf(dims)] : dims;
}

function specialise(inputs: readonly ValueInfo[], feeds: Feeds): ValueInfo[] {
  return inputs.map((input) => {
    const dims = feeds[input.name]?.dims;
    return dims ? { ...input, dims } : input;
  });
}

function float(dims: readonly number[]): TensorOf<'float32'> {
  return { type: 'float32', dims, data: new Float32Array(sizeOf(dims)) };
}
