import { appendGradients } from '../autodiff/index.ts';
import {
  Builder,
  consumers,
  producers,
  subgraph,
  type Traced,
  type ValueType,
} from '../graph/index.ts';
import {
  sizeOf,
  type Graph,
  type Node,
  type Tensor,
  type TensorOf,
  type ValueInfo,
} from '../onnx/index.ts';
import { isReshape } from '../ops/index.ts';
import type { Feeds, Session } from '../runtime/index.ts';
import { checkSettings } from './check.ts';
import type { OptimizerSettings } from './optimizers.ts';
import { perturbation, type Sharpness } from './sharpness.ts';
import { parameterMemory } from './parameter-memory.ts';

export type Parameters = ReadonlyMap<string, TensorOf<'float32'>>;

/** How parameters are updated. */
export interface UpdateSettings {
  /** Names of the initializers to train. */
  readonly parameters: readonly string[];
  readonly optimizer: OptimizerSettings;
  /**
   * By parameter name: 0 for elements that stay zero and 1 elsewhere; dims broadcast to the parameter's.
   * Weight decay, momentum and fine-tuning cannot change masked elements: pruned units stay pruned.
   */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>> | undefined;
  /** By parameter name: multiplier of the learning rate; default 1. */
  readonly scales?: ReadonlyMap<string, number> | undefined;
  /** Sharpness-aware minimization, which runs the graph twice for each step; off by default. */
  readonly sharpness?: Sharpness | undefined;
}

/** A traced graph with its loss. */
export interface TracedLoss {
  readonly traced: Traced;
  /** One sample for every input. */
  readonly feeds: Feeds;
  readonly loss: string;
  /** For each running statistic, its initializer and the value that holds it after the batch. */
  readonly running: readonly (readonly [now: string, next: string])[];
}

/** The graph of a training step: forward, loss and backward. The optimizer reads its outputs. */
export interface TrainingGraph {
  readonly graph: Graph;
  /** By parameter name: the output that holds its gradient, in row-major order. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly running: TracedLoss['running'];
  /** Types of the parameters and running statistics, which a step changes. */
  readonly types: ReadonlyMap<string, ValueType>;
}

/**
 * Appends the reverse pass to a graph with a loss.
 *
 * @param shown - names of more values to output beside the loss
 * @param shaped - whether gradients have the dims of their parameters. A reshaped output costs ONNX
 *   Runtime a copy; without it the elements are the same, in the same order
 * @throws AutodiffError where a parameter has no gradient
 */
export function trainingGraph(
  { traced, feeds, loss, running }: TracedLoss,
  shown: readonly string[],
  { parameters }: Pick<UpdateSettings, 'parameters'>,
  shaped = true,
): TrainingGraph {
  const kept = [...parameters, ...running.map(([now]) => now)];
  const types = new Map(kept.map((name) => [name, traced.values.get(name) as ValueType]));
  const b = new Builder(traced.graph);
  const made = appendGradients(b, traced, loss, parameters);
  const nodes = producers(b.build([]));
  const gradients = new Map<string, string>();
  const taken = new Set<string>();
  for (const parameter of parameters) {
    const whole = made.get(parameter) as string;
    const keep = shaped || isScalar(types.get(parameter) as ValueType);
    const value = keep ? whole : withoutReshape(whole, nodes);
    const own = nodes.has(value) && !taken.has(value) ? value : b.op('Identity', [value]);
    taken.add(own);
    gradients.set(parameter, own);
  }
  const outputs = [loss, ...shown, ...taken, ...running.map(([, next]) => next)].map(
    (name): ValueInfo => ({ name }),
  );
  const built = b.build(outputs, 'training step');
  const graph = subgraph(
    { ...built, inputs: withFixedDims(built.inputs, feeds) },
    [...types].map(([name, type]) => ({ name, ...type })),
    outputs,
  );
  return { graph: orderForMemory(graph), gradients, running, types };
}

/**
 * Orders the nodes so that ONNX Runtime frees memory early. It visits the nodes that nothing reads from
 * the last to the first, and schedules what each needs. If it began with the gradients of the first layer,
 * it would run the whole reverse pass before it computed and released the other gradients.
 */
function orderForMemory(graph: Graph): Graph {
  const read = consumers(graph);
  const [ends, others] = [true, false].map((end) =>
    graph.nodes.filter(({ outputs }) => outputs.every((name) => !read.has(name)) === end),
  ) as [Node[], Node[]];
  return { ...graph, nodes: [...others, ...ends.reverse()] };
}

/** The value before any Reshape at its end: the same elements in the same order. */
function withoutReshape(value: string, nodes: ReadonlyMap<string, Node>): string {
  const node = nodes.get(value);
  const before = node && isReshape(node) ? (node.inputs[0] as string) : undefined;
  return before !== undefined && nodes.has(before) ? withoutReshape(before, nodes) : value;
}

/** Whether the session knows the dims of every gradient, which preallocated buffers need. */
export function hasGradientTypes(
  { gradients, types }: Omit<TrainingGraph, 'graph'>,
  session: Session,
): boolean {
  return [...gradients].every(
    ([parameter, gradient]) =>
      isScalar(types.get(parameter) as ValueType) || session.types.has(gradient),
  );
}

const isScalar = ({ dims }: ValueType) => sizeOf(dims) === 1;

/** Everything that the next steps depend on. */
export interface TrainingState {
  /** Number of steps made. */
  readonly steps: number;
  /** Parameters, running statistics and moments by name. */
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** Access to the parameters that a step trains. */
export interface TrainingParameters {
  /** Views of the current parameters and running statistics. The next step changes them: copy to keep. */
  parameters(): Parameters;
  /** Replaces the parameters and clears the moments. */
  reset(parameters: Parameters): void;
  /** A copy of everything that the next steps depend on. */
  state(): TrainingState;
  /** Restores a state. The next steps give exactly the same values as without the interruption. */
  restore(state: TrainingState): void;
}

/** Keeps parameters and moments between steps, and updates them. */
export interface Updater {
  readonly parameters: TrainingParameters;
  /**
   * Makes a step.
   *
   * @param run - runs the training graph. `now` holds the current values, by input name; `next` the buffers
   *   to fill, by output name. With sharpness-aware minimization, a second call runs at the perturbed
   *   weights, with buffers for gradients only
   * @returns the result of the first call
   * @throws TrainError unless `rate` is a number of 0 or more
   */
  step<T>(
    rate: number,
    run: (now: Record<string, Tensor>, next: Record<string, Tensor>) => Promise<T>,
  ): Promise<T>;
}

/**
 * Allocates parameters and moments, and copies the initial values into them.
 *
 * @param gradientTypes - types of gradients whose dims differ from those of their parameters
 * @throws TrainError for an optimizer setting out of range
 */
export function createUpdater(
  start: Parameters,
  { gradients, running, types }: Omit<TrainingGraph, 'graph'>,
  { parameters, optimizer, masks, scales, sharpness }: UpdateSettings,
  gradientTypes?: ReadonlyMap<string, ValueType>,
): Updater {
  checkSettings({ ...optimizer, ...sharpness });
  for (const scale of scales?.values() ?? []) checkSettings({ scale });
  const dimsOf = (name: string) => (types.get(name) as ValueType).dims;
  const store = parameterMemory(
    parameters.map((name) => ({
      name,
      dims: dimsOf(name),
      mask: masks?.get(name),
      scale: scales?.get(name),
    })),
    optimizer,
  );
  const statistics = running.map(([now, next]) => ({
    now: [now, zeros(dimsOf(now))] as const,
    next: [next, zeros(dimsOf(now))] as const,
  }));
  const state = new Map([...store.state, ...statistics.map(({ now }) => now)]);
  const fetches: Record<string, Tensor> = {};
  for (const [parameter, gradient] of gradients) {
    const dims = gradientTypes?.get(gradient)?.dims ?? dimsOf(parameter);
    const data = store.gradients.get(parameter) as Float32Array;
    fetches[gradient] = { type: 'float32', dims, data };
  }
  const whole = { ...Object.fromEntries(statistics.map(({ next }) => next)), ...fetches };
  const perturbed = sharpness && perturbation(sharpness, store.perturbed);
  const all = () =>
    new Map([...types.keys()].map((name) => [name, state.get(name) as TensorOf<'float32'>]));
  let steps = 0;
  const restore = (given: TrainingState) => {
    steps = given.steps;
    for (const [name, { data }] of state) {
      const values = given.values.get(name);
      if (values) data.set(values);
      else data.fill(0);
    }
  };
  const reset = (given: Parameters) =>
    restore({ steps: 0, values: new Map([...given].map(([name, { data }]) => [name, data])) });
  reset(start);
  return {
    parameters: {
      parameters: all,
      reset,
      state: () => ({
        steps,
        values: new Map([...state].map(([name, { data }]) => [name, data.slice()])),
      }),
      restore,
    },
    async step(rate, run) {
      checkSettings({ rate });
      steps += 1;
      const now = Object.fromEntries(all());
      const result = await run(now, whole);
      if (perturbed) {
        perturbed.apply();
        await run(now, fetches);
        perturbed.revert();
      }
      store.update(rate, steps);
      for (const { now, next } of statistics) now[1].data.set(next[1].data);
      return result;
    },
  };
}

/** The graph's values for everything that a step changes. */
export function initialValues(
  { initializers }: Graph,
  { types }: Pick<TrainingGraph, 'types'>,
): Parameters {
  return new Map(
    [...types.keys()].map((name) => [name, initializers.get(name) as TensorOf<'float32'>]),
  );
}

function withFixedDims(inputs: readonly ValueInfo[], feeds: Feeds): ValueInfo[] {
  return inputs.map((input) => {
    const dims = feeds[input.name]?.dims;
    return dims ? { ...input, dims } : input;
  });
}

export function zeros(dims: readonly number[]): TensorOf<'float32'> {
  return { type: 'float32', dims, data: new Float32Array(sizeOf(dims)) };
}
