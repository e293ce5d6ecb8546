import { readdirSync, readFileSync } from 'node:fs';
import { appendGradients } from '../../src/autodiff/index.ts';
import { literalsOf, parametersOf } from '../../src/network/parameters.ts';
import { Builder, modelOf, normalize, OPSET, type ValueType } from '../../src/graph/index.ts';
import {
  decodeModel,
  type Graph,
  type Model,
  sizeOf,
  type Tensor,
  type TensorOf,
} from '../../src/onnx/index.ts';
import { type Runtime, trace } from '../../src/runtime/index.ts';
import { crossEntropy, traceForTraining } from '../../src/train/index.ts';

/** PyTorch's results for a network, which scripts/golden/families.py writes and documents. */
export interface FamilyGolden {
  readonly opset: number;
  readonly x: InputRecipe & { readonly seed: number };
  readonly loss: number;
  readonly gradients: readonly GoldenGradient[];
}

/** Distribution of the inputs: uniform in -1 .. 1, or integers below `below`. */
interface InputRecipe {
  readonly dims: readonly number[];
  readonly below?: number | undefined;
}

export interface GoldenGradient {
  /** The initializer. */
  readonly name: string;
  /** Largest magnitude of its elements. */
  readonly max: number;
  /** Its products with random sign vectors. */
  readonly products: readonly number[];
  /** The float32 error of PyTorch, where it exceeds the tolerance. */
  readonly float32?: number | undefined;
  /** Where the file holds a constant computed from a weight: for each element, the index in the weight. */
  readonly gathered?: readonly number[] | undefined;
  readonly key?: string | undefined;
}

/** PyTorch's losses of SGD steps. */
export interface TrainingGolden {
  readonly rate: number;
  readonly x: InputRecipe & { readonly seeds: readonly number[] };
  readonly losses: readonly number[];
}

export const FAMILIES = new URL('../golden/families/', import.meta.url);

/** Names of the networks of a folder, without those of training runs. */
export function familiesIn(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.onnx') && !file.startsWith('train-'))
    .map((file) => file.slice(0, -'.onnx'.length));
}

export function readFamily(folder: URL, name: string): { golden: FamilyGolden; model: Model } {
  const golden = readGolden(folder, name) as FamilyGolden;
  const gathered = new Map(golden.gradients.map((entry) => [entry.key, entry.gathered]));
  return { golden, model: readModel(folder, name, gathered) };
}

/** A training run and the network that it starts from. */
export function readTraining(name: string): { golden: TrainingGolden; model: Model } {
  const golden = readGolden(FAMILIES, `train-${name}`) as TrainingGolden;
  return { golden, model: readModel(FAMILIES, `train-${name}`, new Map()) };
}

function readGolden(folder: URL, name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}

type Gathered = ReadonlyMap<string | undefined, readonly number[] | undefined>;

function readModel(folder: URL, name: string, gathered: Gathered): Model {
  return decodeModel(readFileSync(new URL(`${name}.onnx`, folder)), {
    name,
    external: (location, _, length) => drawn(location, length / 4, gathered),
  });
}

/** The weights that a location such as "draw/17/0.5/0" denotes. */
function drawn(location: string, size: number, gathered: Gathered): Uint8Array {
  const [, seed, scale, shift, key] = location.split('/');
  const from = key === undefined ? undefined : gathered.get(key);
  const values = new Float32Array(size);
  for (let index = 0; index < size; index++) {
    const at = from ? (from[index] as number) : index;
    values[index] = Number(shift) + Number(scale) * unit(bits(Number(seed), at));
  }
  return new Uint8Array(values.buffer);
}

/** Murmur's finalizer: 32 random bits for each index. */
function bits(seed: number, index: number): number {
  let h = (Math.imul(index, 0x9e3779b1) + seed) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in -1 .. 1, exact in float32. */
function unit(word: number): number {
  return (word >>> 8) / 2 ** 23 - 1;
}

/** The batch that PyTorch used. */
export function inputOf({ dims, below }: InputRecipe, seed: number): Tensor {
  const size = sizeOf(dims);
  return below === undefined
    ? {
        type: 'float32',
        dims,
        data: Float32Array.from({ length: size }, (_, i) => unit(bits(seed, i))),
      }
    : {
        type: 'int64',
        dims,
        data: BigInt64Array.from({ length: size }, (_, i) => BigInt(bits(seed, i) % below)),
      };
}

export function labelsOf(seed: number, count: number, classes: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => bits(seed, index) % classes);
}

export interface Comparison {
  readonly nodes: number;
  readonly gradientNodes: number;
  readonly parameters: number;
  /** Number of elements of all parameters. */
  readonly elements: number;
  /** Relative difference of the loss. */
  readonly loss: number;
  /** Largest difference of a product, relative to the tensor's largest value; without `kinks`. */
  readonly error: number;
  readonly worst: string;
  /** Gradients whose error exceeds the tolerance, but not PyTorch's own float32 error. */
  readonly kinks: { readonly parameters: number; readonly error: number; readonly torch: number };
  /** Number of runs; 1 where the first one agrees with PyTorch. */
  readonly runs: number;
  /** PyTorch's parameters that `parametersOf` does not find. */
  readonly missed: readonly string[];
  /** Times: `build` of the gradient graph, `run` of one forward and backward pass. */
  readonly seconds: { readonly build: number; readonly run: number };
}

/** Gradients smaller than this share of the network's largest are zero up to rounding. */
const ZERO = 1e-7;

/** Largest error of a gradient that agrees. */
export const TOLERANCE = 1e-3;

/** Relative change of the input between runs, about the size of rounding. */
const ROUNDING = 1e-6;

/**
 * Computes the gradients of all parameters of a network and compares them with PyTorch's.
 *
 * @param runs - the largest number of runs. In a large network, some units are so close to a kink (as of
 *   ReLU) that rounding decides the side, here and in PyTorch, and gradients differ visibly. Where one
 *   disagrees, the network runs again with a change of the input of the size of rounding. The gradient must
 *   agree in all its products in one of the runs; a wrong gradient never does. Remaining differences are
 *   errors, except where PyTorch's own float32 error is larger.
 */
export async function compare(
  runtime: Runtime,
  model: Model,
  golden: FamilyGolden,
  runs = 1,
): Promise<Comparison> {
  const { graph } = normalize(model);
  const output = graph.outputs[0]?.name as string;
  const parameters = golden.gradients.map(({ name }) => name);
  const found = new Set(parametersOf(graph, output, literalsOf(model)));
  const feeds = { x: inputOf(golden.x, golden.x.seed) };
  const { whole, loss } = await withLoss(runtime, graph, output, feeds, golden.x.seed);
  const traced = await traceForTraining(runtime, whole, feeds, parameters);
  const b = new Builder(traced.graph);
  const started = performance.now();
  const names = appendGradients(b, traced, loss, parameters);
  const build = (performance.now() - started) / 1000;
  const built = b.build([loss, ...names.values()].map((name) => ({ name })));
  const session = await runtime.open(modelOf(built));
  const ready = performance.now();
  let results = await session.run(feeds);
  const run = (performance.now() - ready) / 1000;
  const value = Number(results[loss]?.data[0]);
  const errors = errorsOf(golden, names, results);
  let made = 1;
  for (; made < runs && errors.some((error) => error >= TOLERANCE); made++) {
    results = await session.run({ x: rounded(feeds.x, made) });
    for (const [index, error] of errorsOf(golden, names, results).entries()) {
      errors[index] = Math.min(error, errors[index] as number);
    }
  }
  await session.dispose();
  const own = golden.gradients.map(({ float32 = 0 }) => float32);
  const atKink = (e: number, index: number) => e >= TOLERANCE && e < (own[index] as number);
  const error = Math.max(0, ...errors.filter((e, index) => !atKink(e, index)));
  return {
    nodes: traced.graph.nodes.length,
    gradientNodes: built.nodes.length - traced.graph.nodes.length,
    parameters: parameters.length,
    elements: parameters.reduce((sum, name) => sum + elementsOf(graph, name), 0),
    loss: Math.abs(value - golden.loss) / golden.loss,
    error,
    worst: parameters[errors.indexOf(error)] as string,
    kinks: {
      parameters: errors.filter(atKink).length,
      error: Math.max(0, ...errors.filter(atKink)),
      torch: Math.max(0, ...own),
    },
    runs: made,
    missed: parameters.filter((name) => !found.has(name)),
    seconds: { build, run },
  };
}

/** For each gradient, the error of its products, relative to its largest element. */
function errorsOf(
  golden: FamilyGolden,
  names: ReadonlyMap<string, string>,
  results: Readonly<Record<string, Tensor>>,
): number[] {
  const top = Math.max(...golden.gradients.map(({ max }) => max));
  return golden.gradients.map(({ name, max, products, gathered }) => {
    const { data } = results[names.get(name) as string] as TensorOf<'float32'>;
    const own = productsOf(scattered(data, gathered), products.length);
    const differences = products.map((product, k) => Math.abs(product - (own[k] as number)));
    const share = Math.max(...differences) / (max < ZERO * top ? top : max);
    return Number.isNaN(share) ? Infinity : share;
  });
}

function rounded(x: Tensor, seed: number): Tensor {
  if (x.type !== 'float32') return x;
  const data = x.data.map((value, index) => value * (1 + ROUNDING * unit(bits(seed, index))));
  return { ...x, data };
}

function elementsOf(graph: Graph, name: string): number {
  return sizeOf(graph.initializers.get(name)?.dims ?? []);
}

/** The graph with the cross-entropy of its scores, for each sample or each pixel. */
async function withLoss(
  runtime: Runtime,
  graph: Graph,
  output: string,
  feeds: Readonly<Record<string, Tensor>>,
  seed: number,
): Promise<{ whole: Graph; loss: string }> {
  const { values } = await trace(runtime, graph, OPSET, feeds);
  const { dims } = values.get(output) as ValueType;
  const [batch, classes, ...space] = dims as [number, number, ...number[]];
  const count = batch * sizeOf(space);
  const b = new Builder(graph);
  const channelsLast = [0, ...space.map((_, axis) => axis + 2), 1];
  const logits =
    space.length === 0
      ? output
      : b.op('Reshape', [
          b.op('Transpose', [output], { perm: channelsLast }),
          b.ints([count, classes]),
        ]);
  const labels = b.constant({
    type: 'int64',
    dims: [count],
    data: BigInt64Array.from(labelsOf(seed, count, classes), BigInt),
  });
  const weights = b.constant({
    type: 'float32',
    dims: [count],
    data: new Float32Array(count).fill(1),
  });
  const { loss } = crossEntropy(b, { logits, labels, weights, classes });
  return { whole: b.build([{ name: loss }]), loss };
}

/** The gradient of a weight from that of the elements gathered from it. */
function scattered(
  gradient: Float32Array,
  gathered: readonly number[] | undefined,
): ArrayLike<number> {
  if (!gathered) return gradient;
  const sum = new Float64Array(Math.max(...gathered) + 1);
  for (const [index, at] of gathered.entries()) {
    sum[at] = (sum[at] as number) + (gradient[index] as number);
  }
  return sum;
}

function productsOf(gradient: ArrayLike<number>, count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let index = 0; index < gradient.length; index++) {
    const word = bits(0, index);
    const value = gradient[index] as number;
    for (let sign = 0; sign < count; sign++) {
      sums[sign] = (sums[sign] as number) + ((word >>> sign) & 1 ? value : -value);
    }
  }
  return sums;
}
