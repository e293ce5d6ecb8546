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

/** What PyTorch says of a network; scripts/golden/families.py writes it and tells how. */
export interface FamilyGolden {
  readonly opset: number;
  readonly x: InputRecipe & { readonly seed: number };
  readonly loss: number;
  readonly gradients: readonly GoldenGradient[];
}

/** How the inputs are drawn: uniform in -1 .. 1, or integers below `below`. */
interface InputRecipe {
  readonly dims: readonly number[];
  readonly below?: number | undefined;
}

export interface GoldenGradient {
  /** The initializer. */
  readonly name: string;
  /** Its largest element, as a magnitude. */
  readonly max: number;
  /** With random sign vectors. */
  readonly products: readonly number[];
  /** How far PyTorch's own float32 is off, where that is more than the tolerance. */
  readonly float32?: number | undefined;
  /** Where the file holds a constant computed from a weight: the weight's element of each. */
  readonly gathered?: readonly number[] | undefined;
  readonly key?: string | undefined;
}

/** Losses of SGD steps by PyTorch. */
export interface TrainingGolden {
  readonly rate: number;
  readonly x: InputRecipe & { readonly seeds: readonly number[] };
  readonly losses: readonly number[];
}

export const FAMILIES = new URL('../golden/families/', import.meta.url);

/** Names of the networks of a folder, those of training runs left out. */
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

/** The weights that a location such as "draw/17/0.5/0" stands for. */
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

/** A batch that PyTorch saw. */
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
  /** Elements of all parameters. */
  readonly elements: number;
  /** Relative difference of the loss. */
  readonly loss: number;
  /** Largest difference of a product, as a share of the tensor's largest; without `kinks`. */
  readonly error: number;
  readonly worst: string;
  /** Gradients off by the tolerance or more, yet by less than PyTorch's own in float32. */
  readonly kinks: { readonly parameters: number; readonly error: number; readonly torch: number };
  /** Runs that it took: 1 where PyTorch and the first one agree. */
  readonly runs: number;
  /** Parameters that PyTorch has and `parametersOf` does not find. */
  readonly missed: readonly string[];
  /** `build`: the gradient's nodes written; `run`: one pass forward and back. */
  readonly seconds: { readonly build: number; readonly run: number };
}

/** Gradients this much smaller than the network's largest are zero but for rounding. */
const ZERO = 1e-7;

/** A gradient that is off by less agrees. */
export const TOLERANCE = 1e-3;

/** By how much of itself the input is changed from run to run: about as rounding changes values. */
const ROUNDING = 1e-6;

/**
 * Differentiates a network by all its parameters and compares with PyTorch.
 *
 * @param runs - how often, at most. Of the millions of units of a large network some lie so near to
 *   a kink that rounding decides, here and in PyTorch, on which side, and a gradient moves visibly.
 *   Where one disagrees, the network is run again with its input changed by no more than rounding
 *   does, and the gradient must agree in all its products in one of the runs: it does if there is
 *   a side of the kinks on which it is PyTorch's, and never if it is wrong. What is left then counts
 *   as an error, but for gradients of which PyTorch's own float32 knows less.
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

/** For each gradient, how far its products are off, as a share of its largest element. */
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

/** The graph with the cross-entropy of its scores: of each sample, or of each pixel of each. */
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

/** The gradient by a weight from that by what was gathered from it. */
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
