import { appendGradients } from '../autodiff/index.ts';
import { Builder, subgraph, type Traced, type ValueType } from '../graph/index.ts';
import { sizeOf, type Graph, type Tensor, type TensorOf, type ValueInfo } from '../onnx/index.ts';
import type { Feeds } from '../runtime/index.ts';
import { appendUpdate, momentsOf, type OptimiserSettings } from './optimisers.ts';

export type Parameters = ReadonlyMap<string, TensorOf<'float32'>>;

/** What an update is made by. */
export interface UpdateSettings {
  /** Initializers to train. */
  readonly parameters: readonly string[];
  readonly optimiser: OptimiserSettings;
  /**
   * For some parameters, 0 where an element is held at zero and 1 elsewhere (dims that broadcast
   * to the parameter's): whatever the optimiser does, what is pruned stays pruned.
   */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>>;
  /** For some parameters, a rate of their own: see `Update.scale`. */
  readonly scales?: ReadonlyMap<string, number>;
}

/** A graph with its loss, traced in the form in which it is differentiated. */
export interface TracedLoss {
  readonly traced: Traced;
  /** A sample for every input but the parameters. */
  readonly feeds: Feeds;
  readonly loss: string;
  /** Each running statistic and the value that it has after a batch. */
  readonly running: readonly (readonly [now: string, next: string])[];
}

/** The graph of a training step: forward, loss, backward, update. */
export interface Updates {
  readonly graph: Graph;
  readonly rate: string;
  readonly step: string;
  /** Initializers that a step changes: parameters and running statistics. */
  readonly kept: readonly string[];
  /** A parameter, moment or statistic and its next value. */
  readonly state: readonly (readonly [now: string, next: string, type: ValueType])[];
}

/**
 * Appends the reverse pass and the optimiser's update of every parameter.
 *
 * @param shown - values to have beside the loss
 * @throws AutodiffError where a parameter cannot be trained
 */
export function withUpdates(
  { traced, feeds, loss, running }: TracedLoss,
  shown: readonly string[],
  settings: UpdateSettings,
): Updates {
  const { optimiser } = settings;
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
  const outputs: ValueInfo[] = [loss, ...shown, ...state.map(([, next]) => next)].map((name) => ({
    name,
  }));
  const built = b.build(outputs, 'training step');
  const kept = [...settings.parameters, ...running.map(([now]) => now)];
  const graph = subgraph(
    { ...built, inputs: specialise(built.inputs, feeds) },
    kept.map((name) => ({ name, ...(traced.values.get(name) as ValueType) })),
    outputs,
  );
  return { graph, rate, step, kept, state };
}

/** Parameters and moments by name, and how many steps were made. */
export interface TrainingState {
  readonly steps: number;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** What is being trained. */
export interface Trained {
  /** Current values, live, running statistics too: read them between steps, copy what must last. */
  parameters(): Parameters;
  /** Replaces the parameters, and forgets the moments. */
  reset(parameters: Parameters): void;
  /** All that the next steps depend on, copied. */
  state(): TrainingState;
  /** Goes on from a state, to the bit as if training had never left it. */
  restore(state: TrainingState): void;
}

/** What is kept between steps: two sets of buffers that take turns. */
export interface Memory {
  readonly trained: Trained;
  /**
   * Makes a step.
   *
   * @param run - given all that is now, and the buffers that what is next goes to
   */
  step(
    rate: number,
    run: (now: Record<string, Tensor>, next: Record<string, Tensor>) => Promise<unknown>,
  ): Promise<void>;
}

/** Memory that begins with the values that a graph has. */
export function memoryOf(
  { initializers }: Graph,
  { state, kept, ...names }: Omit<Updates, 'graph'>,
): Memory {
  let now = new Map(state.map(([name, , { dims }]) => [name, zeros(dims)]));
  let next = new Map(state.map(([name, , { dims }]) => [name, zeros(dims)]));
  let steps = 0;
  const restore = (given: TrainingState) => {
    steps = given.steps;
    for (const [name] of state) {
      const buffer = (now.get(name) as TensorOf<'float32'>).data;
      const values = given.values.get(name);
      if (values) buffer.set(values);
      else buffer.fill(0);
    }
  };
  const reset = (parameters: Parameters) =>
    restore({
      steps: 0,
      values: new Map([...parameters].map(([name, { data }]) => [name, data])),
    });
  reset(new Map(kept.map((name) => [name, initializers.get(name) as TensorOf<'float32'>])));
  return {
    trained: {
      parameters: () => new Map(kept.map((name) => [name, now.get(name) as TensorOf<'float32'>])),
      reset,
      state: () => ({
        steps,
        values: new Map([...now].map(([name, { data }]) => [name, data.slice()])),
      }),
      restore,
    },
    async step(rate, run) {
      steps += 1;
      const feeds: Record<string, Tensor> = {
        [names.rate]: { type: 'float32', dims: [], data: Float32Array.of(rate) },
        [names.step]: { type: 'float32', dims: [], data: Float32Array.of(steps) },
      };
      const fetches: Record<string, Tensor> = {};
      for (const [name, following] of state) {
        feeds[name] = now.get(name) as Tensor;
        fetches[following] = next.get(name) as Tensor;
      }
      await run(feeds, fetches);
      [now, next] = [next, now];
    },
  };
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

export function zeros(dims: readonly number[]): TensorOf<'float32'> {
  return { type: 'float32', dims, data: new Float32Array(sizeOf(dims)) };
}
