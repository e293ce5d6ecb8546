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

/** What an update is made by. */
export interface UpdateSettings {
  /** Initializers to train. */
  readonly parameters: readonly string[];
  readonly optimizer: OptimizerSettings;
  /**
   * For some parameters, 0 where an element is held at zero and 1 elsewhere (dims that broadcast
   * to the parameter's): whatever the optimizer does, what is pruned stays pruned.
   */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>> | undefined;
  /** For some parameters, their own learning rate as a multiple of the common one. */
  readonly scales?: ReadonlyMap<string, number> | undefined;
  /** Takes gradients at perturbed weights, for which a step runs twice; off by default. */
  readonly sharpness?: Sharpness | undefined;
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

/** The graph of a training step: forward, loss, backward. The update is made of its outputs. */
export interface TrainingGraph {
  readonly graph: Graph;
  /** Of each parameter, the output that has its gradient's numbers. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly running: TracedLoss['running'];
  /** Types of what a step changes: parameters and running statistics. */
  readonly types: ReadonlyMap<string, ValueType>;
}

/**
 * Appends the reverse pass.
 *
 * @param shown - values to have beside the loss
 * @param shaped - whether gradients have the dims of their parameters. That takes ONNX Runtime a copy
 *   of each; the numbers are the same without
 * @throws AutodiffError where a parameter cannot be trained
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
 * The order in which memory is free soonest. ONNX Runtime goes back from the last of the nodes that
 * nothing reads, and runs what each needs: from the gradients of the first layer it would run the whole
 * reverse pass, and keep all that the gradients of other layers are made of until its end.
 */
function orderForMemory(graph: Graph): Graph {
  const read = consumers(graph);
  const [ends, others] = [true, false].map((end) =>
    graph.nodes.filter(({ outputs }) => outputs.every((name) => !read.has(name)) === end),
  ) as [Node[], Node[]];
  return { ...graph, nodes: [...others, ...ends.reverse()] };
}

/** The same numbers before they get their last dims. */
function withoutReshape(value: string, nodes: ReadonlyMap<string, Node>): string {
  const node = nodes.get(value);
  const before = node && isReshape(node) ? (node.inputs[0] as string) : undefined;
  return before !== undefined && nodes.has(before) ? withoutReshape(before, nodes) : value;
}

/** Whether the session tells the dims of every gradient, so that buffers for them can be made. */
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

/** Parameters and moments by name, and how many steps were made. */
export interface TrainingState {
  readonly steps: number;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** What is being trained. */
export interface TrainingParameters {
  /** Current values, live, running statistics too: read them between steps, copy what must last. */
  parameters(): Parameters;
  /** Replaces the parameters, and forgets the moments. */
  reset(parameters: Parameters): void;
  /** All that the next steps depend on, copied. */
  state(): TrainingState;
  /** Goes on from a state, to the bit as if training had never left it. */
  restore(state: TrainingState): void;
}

/** What is kept between steps. */
export interface Updater {
  readonly trained: TrainingParameters;
  /**
   * Makes a step.
   *
   * @param run - given all that is now, and the buffers that gradients and next statistics go to. It runs
   *   once more at perturbed weights where sharpness is minimized, with buffers for gradients only
   * @returns what `run` makes of the weights before the step, unperturbed
   */
  step<T>(
    rate: number,
    run: (now: Record<string, Tensor>, next: Record<string, Tensor>) => Promise<T>,
  ): Promise<T>;
}

/**
 * Memory that begins with the values given.
 *
 * @param told - types of gradients that have not the dims of their parameters
 */
export function createUpdater(
  start: Parameters,
  { gradients, running, types }: Omit<TrainingGraph, 'graph'>,
  { parameters, optimizer, masks, scales, sharpness }: UpdateSettings,
  told?: ReadonlyMap<string, ValueType>,
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
    const dims = told?.get(gradient)?.dims ?? dimsOf(parameter);
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
    trained: {
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

/** What the graph has of all that a step changes: the values to begin with. */
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
