import { batches, type Dataset } from '../../data/index.ts';
import { fromFloat32, toFloat32, type Traced } from '../../graph/index.ts';
import {
  type DataType,
  encodeModel,
  type Graph,
  isConstant,
  isTensor,
  type Model,
  type Node,
  sizeOf,
  type Tensor,
  type TensorOf,
} from '../../onnx/index.ts';
import { attributesWith, type DimsOf } from '../../ops/index.ts';
import { type Runtime, RuntimeError, type Session } from '../../runtime/index.ts';
import { fixedBatchSize, inferenceBatchSize } from '../../train/index.ts';
import {
  openClassifier,
  type ClassifierOptions,
  inputOf,
  type InsertedNodes,
} from '../../network/index.ts';
import { dimsOf } from '../sites.ts';
import { type Cuts, type KeptUnit, type Length, planRemoval, type SiteUnits } from './plan.ts';

/** A network without its pruned units. */
export interface Slim {
  /** The file, in the opset of the original. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The units removed, by site. */
  readonly removed: readonly { readonly site: string; readonly units: readonly number[] }[];
  /** Zeroed units that stay, and why. */
  readonly kept: readonly KeptUnit[];
  /** Largest difference of an output over the data, as a share of the largest output. */
  readonly difference: number;
  /** Whether the difference is at most `SLIM_TOLERANCE`; if not, the file must not be used. */
  readonly same: boolean;
}

export interface SlimOptions extends ClassifierOptions {
  /**
   * Masks that are nodes in the model, with their names in the file: see `insertedInFile`. A mask of which
   * only ones are left is removed.
   */
  readonly masks?: readonly InsertedNodes[] | undefined;
}

/** How much a slim network's outputs may differ, as a share of the largest output. */
export const SLIM_TOLERANCE = 1e-5;

/**
 * Removes pruned units from a network: their weights, the weights that multiply them downstream, and all
 * that is computed only for them upstream. The result is compared with the original on all the data.
 *
 * @param model - a repaired model, in which the units are zero
 * @param dataset - validation data to compare on
 */
export async function slim(
  runtime: Runtime,
  model: Model,
  sites: readonly SiteUnits[],
  dataset: Dataset,
  { masks = [], ...options }: SlimOptions = {},
): Promise<Slim> {
  const { traced } = await openClassifier(runtime, model, dataset, options);
  const stored = new Set(storedIn(model.graph).keys());
  const { cuts, lengths, kept } = planRemoval(traced, sites, stored);
  const smaller = withCuts(model.graph, traced, cuts, lengths);
  const graph = withoutMasksOfOnes(smaller, masks);
  const bytes = encodeModel({ ...model, graph });
  const difference = cuts.length === 0 ? 0 : await differenceOf(runtime, model, bytes, dataset);
  const staying = new Set(kept.map(({ site, unit }) => `${unit} ${site}`));
  return {
    bytes,
    removed: sites.map(({ site: { name }, pruned }) => ({
      site: name,
      units: pruned.filter((unit) => !staying.has(`${unit} ${name}`)),
    })),
    kept,
    difference,
    same: difference <= SLIM_TOLERANCE,
  };
}

/** Constants of a graph: initializers, and the values of Constant nodes. */
function storedIn(graph: Graph): Map<string, Tensor> {
  const stored = new Map(graph.initializers);
  for (const node of graph.nodes.filter(isConstant)) {
    const { value } = node.attributes;
    if (typeof value !== 'object' || !isTensor(value)) continue;
    stored.set(node.outputs[0] as string, value);
  }
  return stored;
}

/** The graph with smaller constants, and with the new lengths of axes where constants hold them. */
function withCuts(
  graph: Graph,
  traced: Traced,
  cuts: readonly Cuts[],
  lengths: readonly Length[],
): Graph {
  const stored = storedIn(graph);
  const smaller = new Map<string, Tensor>();
  for (const { value, axis, unit } of cuts) {
    const tensor = smaller.get(value) ?? stored.get(value);
    if (tensor) smaller.set(value, cutAlong(tensor, axis, unit));
  }
  const left = new Map(
    cuts.map(({ value, axis, unit }) => [`${axis} ${value}`, unit.filter((id) => id < 0).length]),
  );
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of smaller) if (initializers.has(name)) initializers.set(name, tensor);
  const lengthOf = new Map(lengths.map((length) => [length.value, length]));
  const dims = dimsOf(traced);
  const nodes = graph.nodes.map((node) => {
    const [output = ''] = node.outputs;
    const value = smaller.get(output);
    if (value) return { ...node, attributes: { ...node.attributes, value } };
    const { index, element } = lengthOf.get(output) ?? { index: -1, element: 0 };
    const shape = stored.get(node.inputs[index] ?? '');
    const length = left.get(`${element} ${output}`);
    const attributes = regrouped(node, left, dims);
    // 0 and -1 are taken from the input, and a computed shape follows it: neither needs a change.
    if (shape?.type !== 'int64' || length === undefined || (shape.data[element] ?? 0n) <= 0n) {
      return { ...node, attributes };
    }
    const name = `${node.inputs[index]} of ${output}`;
    initializers.set(name, { ...shape, data: shape.data.with(element, BigInt(length)) });
    return { ...node, attributes, inputs: node.inputs.with(index, name) };
  });
  return { ...graph, nodes, initializers };
}

/** The attributes of a node for the number of input channels that is left, such as `group`. */
function regrouped(
  node: Node,
  left: ReadonlyMap<string, number>,
  dims: DimsOf,
): Node['attributes'] {
  const length = left.get(`1 ${node.inputs[0] ?? ''}`);
  return length === undefined ? node.attributes : attributesWith(node, length, dims);
}

/** Removes masks of which only ones are left. */
function withoutMasksOfOnes(graph: Graph, masks: readonly InsertedNodes[]): Graph {
  const stored = storedIn(graph);
  const names = new Map<string, string>();
  const gone = new Set<string>();
  for (const { renamed, constants } of masks) {
    const product = graph.nodes.find(({ inputs }) => inputs.includes(renamed));
    const ones = constants.every((name) => {
      const tensor = stored.get(name);
      return tensor?.data.every((value) => isOne(value, tensor));
    });
    const [output] = product?.outputs ?? [];
    if (output === undefined || !ones) continue;
    names.set(renamed, output);
    for (const name of [output, ...constants]) gone.add(name);
  }
  // A value with several masks gets the name after the last removed one.
  const nameOf = (name: string): string => {
    const next = names.get(name);
    return next === undefined ? name : nameOf(next);
  };
  const nodes = graph.nodes
    .filter(({ outputs }) => !outputs.some((name) => gone.has(name)))
    .map((node) => ({ ...node, outputs: node.outputs.map(nameOf) }));
  return { ...graph, nodes };
}

function isOne(value: unknown, tensor: Tensor): boolean {
  const one = fromFloat32({ type: 'float32', dims: [1], data: Float32Array.of(1) }, tensor.type);
  return value === one.data[0];
}

/**
 * A tensor without some indices of an axis. If `unit` is longer than the axis, it has the indices of each
 * group of a grouped layer one after another; the rows of the groups follow each other along axis 0.
 */
function cutAlong(tensor: Tensor, axis: number, unit: Int32Array): Tensor {
  const width = tensor.dims[axis] as number;
  const inner = sizeOf(tensor.dims.slice(axis + 1));
  const outer = sizeOf(tensor.dims.slice(0, axis));
  const runs = unit.length / width;
  const keptIn = Array.from({ length: runs }, (_, run) =>
    [...Array(width).keys()].filter((place) => (unit[run * width + place] as number) < 0),
  );
  const left = keptIn[0]?.length ?? 0;
  // The cast is safe: slice and set behave alike for every type of array.
  const from = tensor.data as Float32Array;
  const data = from.slice(0, outer * left * inner);
  let at = 0;
  for (let o = 0; o < outer; o += 1) {
    for (const place of keptIn[Math.floor((o * runs) / outer)] as number[]) {
      const start = (o * width + place) * inner;
      data.set(from.subarray(start, start + inner), at);
      at += inner;
    }
  }
  const dims = tensor.dims.map((dim, i) => (i === axis ? left : dim));
  return { ...tensor, dims, data } as Tensor;
}

/** Runs two files and compares their outputs. Infinity if one does not run, NaN if one gives NaN. */
async function differenceOf(
  runtime: Runtime,
  model: Model,
  bytes: Uint8Array,
  dataset: Dataset,
): Promise<number> {
  const { name, type = 'float32' } = inputOf(model.graph);
  const rows = fixedBatchSize(model.graph, name);
  const outputs = model.graph.outputs.filter((output) => isFloat(output.type ?? 'float32'));
  const names = outputs.map((output) => output.name);
  let difference = 0;
  let largest = 0;
  const sessions: Session[] = [];
  try {
    for (const file of [model, bytes]) sessions.push(await runtime.open(file));
    const [before, after] = sessions as [Session, Session];
    for await (const { x, dims, count } of batches(dataset, {
      batchSize: rows ?? inferenceBatchSize(dataset.sample),
      pad: rows !== undefined,
    })) {
      const feeds = { [name]: asInputType({ type: 'float32', dims, data: x }, type) };
      const [expected, actual] = [await before.run(feeds, names), await after.run(feeds, names)];
      for (const output of names) {
        const one = (toFloat32(expected[output] as Tensor) as TensorOf<'float32'>).data;
        const other = (toFloat32(actual[output] as Tensor) as TensorOf<'float32'>).data;
        const samples = rows === undefined ? one : one.subarray(0, (one.length / rows) * count);
        for (const [at, value] of samples.entries()) {
          const here = Math.abs(value - (other[at] as number));
          // Also true for NaN.
          if (!(here <= difference)) difference = here;
          largest = Math.max(largest, Math.abs(value));
        }
      }
    }
  } catch (error) {
    if (error instanceof RuntimeError) return Infinity;
    throw error;
  } finally {
    for (const session of sessions) await session.dispose();
  }
  return difference === 0 ? 0 : difference / largest;
}

/** Converts a batch to the type of the model's input. Integers are rounded, as in the working graph. */
function asInputType(batch: TensorOf<'float32'>, type: DataType): Tensor {
  if (isFloat(type)) return fromFloat32(batch, type);
  const { dims } = batch;
  const whole = batch.data.map(Math.round);
  if (type === 'uint8') return { type, dims, data: Uint8Array.from(whole) };
  if (type === 'int8') return { type, dims, data: Int8Array.from(whole) };
  if (type === 'int32') return { type, dims, data: Int32Array.from(whole) };
  return { type: 'int64', dims, data: BigInt64Array.from(whole, BigInt) };
}

function isFloat(type: DataType): boolean {
  return /^b?float\d+$/.test(type);
}
