import { appendGradients } from '../../src/autodiff/index.ts';
import { random, type Random } from '../../src/data/index.ts';
import { Builder, OPSET } from '../../src/graph/index.ts';
import {
  sizeOf,
  type Graph,
  type Model,
  type Tensor,
  type TensorOf,
} from '../../src/onnx/index.ts';
import { nodeRuntime, trace, type Runtime, type Session } from '../../src/runtime/index.ts';
import { away, tensorOf, type Values } from './values.ts';

export * from './values.ts';

/**
 * Compares the gradients of the rules with finite differences, both computed by ONNX Runtime.
 *
 *     await gradcheck({
 *       inputs: { x: normal([2, 3]) },
 *       build: (b, { x }) => b.op('Tanh', [x]),
 *     }, 1e-7);
 *
 * The loss is a sum of all output elements with random weights, so that each element's gradient counts.
 * Derivatives are taken along single coordinates and along random directions that change all coordinates,
 * with the five-point formula, whose error is of fourth order in the step.
 */
export interface GradientCase<Input extends string = string> {
  /** Values to differentiate with respect to; they become inputs of the graph, in `type`. */
  readonly inputs: Readonly<Record<Input, Values>>;
  /** Builds the graph and returns its output or outputs. */
  readonly build: (b: Builder, names: Readonly<Record<Input, string>>) => string | string[];
  /** float64 by default; float32 where ONNX Runtime has no float64 kernel (convolutions). */
  readonly type?: 'float32' | 'float64' | undefined;
  /** Step of the differences. Kinks must be further away than twice this. Default 1e-3, float32: 1e-2. */
  readonly step?: number | undefined;
  readonly seed?: number | undefined;
}

export interface Verdict {
  /**
   * Largest difference between a rule's derivative and the numeric one, relative to the input's largest
   * derivative.
   */
  readonly error: number;
  readonly worst: string;
}

const SINGLES = 6;
const DIRECTIONS = 4;

let shared: Promise<Runtime> | undefined;

/** One runtime for all tests of a file, with one thread, since test files run in parallel. */
export function testRuntime(): Promise<Runtime> {
  shared ??= nodeRuntime({ threads: 1 });
  return shared;
}

/** @throws Error where the gradients differ by more than `tolerance` (relative). */
export async function gradcheck<Input extends string>(
  check: GradientCase<Input>,
  tolerance: number,
): Promise<Verdict> {
  const verdict = await compare(check, tolerance);
  if (!(verdict.error <= tolerance)) {
    throw new Error(
      `gradients differ by ${verdict.error.toExponential(2)} > ${tolerance}: ${verdict.worst}`,
    );
  }
  return verdict;
}

async function compare(check: GradientCase, tolerance: number): Promise<Verdict> {
  const type = check.type ?? 'float64';
  const rng = random(check.seed ?? 1, 'gradcheck');
  const runtime = await testRuntime();
  const forward = new Builder();
  const names: Record<string, string> = {};
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dims, data }] of Object.entries(check.inputs)) {
    names[name] = forward.input(name, type, dims);
    feeds[name] = tensorOf(type, dims, data);
  }
  const outputs = [check.build(forward, names)].flat();
  const graph = forward.build(outputs.map((name) => ({ name })));
  const session = await runtime.open(modelOf(graph), { optimize: 'none' });
  try {
    const results = await session.run(feeds);
    const weights = outputs.map((name) => weightsFor(results[name] as Tensor, rng));
    const inputs = Object.keys(feeds);
    const weighted = { graph, feeds, outputs, weights, type };
    const gradients = await analytic(runtime, weighted, inputs);
    if (inputs.length > 1) {
      const one = inputs[rng.integer(inputs.length)] as string;
      const alone = await analytic(runtime, weighted, [one]);
      sameAlone(one, gradients[one] as number[], alone[one] as number[]);
    }
    const lossAt = lossOf(session, feeds, outputs, weights);
    return await worstOf(check, type, gradients, lossAt, rng, tolerance);
  } finally {
    await session.dispose();
  }
}

interface Weighted {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly string[];
  readonly weights: readonly Values[];
  readonly type: 'float32' | 'float64';
}

/** A rule may skip gradients that are not needed: the needed ones must not change. */
function sameAlone(input: string, among: readonly number[], alone: readonly number[]): void {
  const scale = 1e-6 * Math.max(...among.map(Math.abs));
  for (const [index, value] of among.entries()) {
    const other = alone[index] as number;
    if (Object.is(value, other) || Math.abs(value - other) <= scale) continue;
    throw new Error(
      `the gradient by ${input}[${index}] is ${other} alone, and ${value} among the others`,
    );
  }
}

/** The gradients of some inputs, by the rules. */
async function analytic(
  runtime: Runtime,
  at: Weighted,
  inputs: readonly string[],
): Promise<Record<string, readonly number[]>> {
  const b = new Builder(at.graph);
  const terms = at.outputs.map((name, index) => {
    const { dims, data } = at.weights[index] as Values;
    const weights = b.initializer(`weights${index}`, tensorOf(at.type, dims, data));
    return b.op('ReduceSum', [b.op('Mul', [name, weights])], { keepdims: 0 });
  });
  const loss = terms.length === 1 ? (terms[0] as string) : b.op('Sum', terms);
  const traced = await trace(runtime, b.build([{ name: loss }]), OPSET, at.feeds);
  const reverse = new Builder(traced.graph);
  const gradients = appendGradients(reverse, traced, loss, inputs);
  const session = await runtime.open(
    modelOf(reverse.build([...gradients.values()].map((name) => ({ name })))),
  );
  try {
    const results = await session.run(at.feeds);
    return Object.fromEntries(
      inputs.map((input) => {
        const gradient = results[gradients.get(input) as string] as Tensor;
        const expected = at.feeds[input]?.dims;
        if (String(gradient.dims) !== String(expected) || gradient.type !== at.type) {
          throw new Error(
            `the gradient by ${input} is ${gradient.type} [${gradient.dims.join()}], not ${at.type} [${expected?.join()}]`,
          );
        }
        return [input, Array.from(gradient.data, Number)];
      }),
    );
  } finally {
    await session.dispose();
  }
}

interface Loss {
  readonly value: number;
  /** L2 norm of the loss's terms: the rounding error of the loss is about this times epsilon. */
  readonly spread: number;
}
type LossAt = (input: string, shifted: readonly number[]) => Promise<Loss>;

/** The loss, summed in float64 for any type of the graph. */
function lossOf(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
  weights: readonly Values[],
): LossAt {
  return async (input, shifted) => {
    const { type, dims } = feeds[input] as TensorOf<'float32' | 'float64'>;
    const results = await session.run({ ...feeds, [input]: tensorOf(type, dims, shifted) });
    let value = 0;
    let squares = 0;
    for (const [index, name] of outputs.entries()) {
      const data = results[name]?.data as ArrayLike<number>;
      (weights[index] as Values).data.forEach((weight, at) => {
        const term = weight * (data[at] as number);
        value += term;
        squares += term * term;
      });
    }
    return { value, spread: Math.sqrt(squares) };
  };
}

async function worstOf(
  check: GradientCase,
  type: 'float32' | 'float64',
  gradients: Readonly<Record<string, readonly number[]>>,
  lossAt: LossAt,
  rng: Random,
  tolerance: number,
): Promise<Verdict> {
  const step = check.step ?? (type === 'float64' ? 1e-3 : 1e-2);
  const epsilon = type === 'float64' ? 2 ** -52 : 2 ** -23;
  let verdict: Verdict = { error: 0, worst: 'nothing' };
  for (const [input, { data }] of Object.entries(check.inputs)) {
    const gradient = gradients[input] as readonly number[];
    const checked: { what: string; exact: number; numeric: number; noise: number }[] = [];
    for (const { what, direction } of directionsOf(data.length, rng)) {
      const at = async (by: number) =>
        lossAt(
          input,
          data.map((value, index) => value + by * (direction[index] as number)),
        );
      const [far, near, back, farBack] = [
        await at(2 * step),
        await at(step),
        await at(-step),
        await at(-2 * step),
      ];
      const numeric = (8 * (near.value - back.value) - (far.value - farBack.value)) / (12 * step);
      const exact = gradient.reduce((sum, g, index) => sum + g * (direction[index] as number), 0);
      const noise = (epsilon * near.spread) / step;
      checked.push({ what: `${input}${what}`, exact, numeric, noise });
    }
    const largest = Math.max(
      ...checked.map(({ numeric }) => Math.abs(numeric)),
      ...gradient.map(Math.abs),
    );
    for (const { what, exact, numeric, noise } of checked) {
      const scale = Math.max(largest, noise / tolerance);
      const difference = Math.abs(exact - numeric);
      const error = difference === 0 ? 0 : difference / scale;
      if (!(error <= verdict.error)) {
        verdict = { error, worst: `${what}: rule ${exact}, numeric ${numeric}` };
      }
    }
  }
  return verdict;
}

/** Some coordinate directions (all, where they are few) and random directions. */
function directionsOf(size: number, rng: Random): { what: string; direction: readonly number[] }[] {
  const all = Array.from({ length: size }, (_, index) => index);
  const single = (size <= SINGLES ? all : rng.shuffle([...all]).slice(0, SINGLES)).map((at) => ({
    what: `[${at}]`,
    direction: all.map((index) => (index === at ? 1 : 0)),
  }));
  if (size <= SINGLES) return single;
  const mixed = Array.from({ length: DIRECTIONS }, (_, index) => ({
    what: ` along direction ${index}`,
    direction: all.map(() => (rng.uniform() < 0.5 ? -1 : 1) * (0.5 + 0.5 * rng.uniform())),
  }));
  return [...single, ...mixed];
}

function weightsFor({ dims }: Tensor, rng: Random): Values {
  return { dims: [...dims], data: away(sizeOf(dims), rng, 0.5, 1.5) };
}

/** Wraps a graph as a model of the working opset. */
export function modelOf(graph: Graph): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', OPSET]]),
    producer: 'fineprune',
    metadata: new Map(),
    graph,
  };
}
