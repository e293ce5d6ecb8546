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
import {
  type KeptUnit,
  type Length,
  type Places,
  removablePlaces,
  type SiteUnits,
} from './plan.ts';

/** A network without its pruned units. */
export interface Slim {
  /** The file, in the opset of the one that it was made from. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The units removed, by site. */
  readonly removed: readonly { readonly site: string; readonly units: readonly number[] }[];
  /** Units that stay, zeroed, and why. */
  readonly kept: readonly KeptUnit[];
  /** Largest difference of an output over the data, as a share of the largest output. */
  readonly difference: number;
  /** Whether that is at most `SLIM_TOLERANCE`: a file that is not must not be used. */
  readonly same: boolean;
}

export interface SlimOptions extends ClassifierOptions {
  /**
   * Masks that the model has as nodes of their own, under the names that they have in it: see
   * `insertedInFile`. A mask of which only ones are left is removed.
   */
  readonly masks?: readonly InsertedNodes[] | undefined;
}

/** By how much of the largest output a slim network's outputs may differ. */
export const SLIM_TOLERANCE = 1e-5;

/**
 * Removes pruned units from a network for real: their weights, those that meet them downstream, and
 * what was made for them alone upstream. What comes out is run beside what went in, on all the data.
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
  const { places, lengths, kept } = removablePlaces(traced, sites, stored);
  const cut = withoutPlaces(model.graph, traced, places, lengths);
  const graph = withoutMasksOfOnes(cut, masks);
  const bytes = encodeModel({ ...model, graph });
  const difference = places.length === 0 ? 0 : await differenceOf(runtime, model, bytes, dataset);
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

function withoutPlaces(
  graph: Graph,
  traced: Traced,
  places: readonly Places[],
  lengths: readonly Length[],
): Graph {
  const stored = storedIn(graph);
  const cuts = new Map<string, Tensor>();
  for (const { value, axis, unit } of places) {
    const tensor = cuts.get(value) ?? stored.get(value);
    if (tensor) cuts.set(value, cutAlong(tensor, axis, unit));
  }
  const left = new Map(
    places.map(({ value, axis, unit }) => [`${axis} ${value}`, unit.filter((id) => id < 0).length]),
  );
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of cuts) if (initializers.has(name)) initializers.set(name, tensor);
  const saying = new Map(lengths.map((length) => [length.value, length]));
  const dims = dimsOf(traced);
  const nodes = graph.nodes.map((node) => {
    const [output = ''] = node.outputs;
    const cut = cuts.get(output);
    if (cut) return { ...node, attributes: { ...node.attributes, value: cut } };
    const { index, element } = saying.get(output) ?? { index: -1, element: 0 };
    const shape = stored.get(node.inputs[index] ?? '');
    const length = left.get(`${element} ${output}`);
    const attributes = regrouped(node, left, dims);
    // 0 and -1 stand for what the input says; what is computed follows it by itself.
    if (shape?.type !== 'int64' || length === undefined || (shape.data[element] ?? 0n) <= 0n) {
      return { ...node, attributes };
    }
    const name = `${node.inputs[index]} of ${output}`;
    initializers.set(name, { ...shape, data: shape.data.with(element, BigInt(length)) });
    return { ...node, attributes, inputs: node.inputs.with(index, name) };
  });
  return { ...graph, nodes, initializers };
}

function regrouped(
  node: Node,
  left: ReadonlyMap<string, number>,
  dims: DimsOf,
): Node['attributes'] {
  const length = left.get(`1 ${node.inputs[0] ?? ''}`);
  return length === undefined ? node.attributes : attributesWith(node, length, dims);
}

/** A mask of which only ones are left is no longer needed. */
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
  // A value with several masks takes the name behind the last of those that go.
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
 * A tensor without some places of an axis. Where there are more places than the axis is long, they are
 * those of the groups of a grouped layer, whose rows come one after another along axis 0.
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
  // Typed arrays of every type behave alike here.
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

/** Runs two files side by side; infinite where one does not run, NaN where one gives no numbers. */
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
  let apart = 0;
  let most = 0;
  const sessions: Session[] = [];
  try {
    for (const file of [model, bytes]) sessions.push(await runtime.open(file));
    const [before, after] = sessions as [Session, Session];
    for await (const { x, dims, count } of batches(dataset, {
      batchSize: rows ?? inferenceBatchSize(dataset.sample),
      pad: rows !== undefined,
    })) {
      const feeds = { [name]: fed({ type: 'float32', dims, data: x }, type) };
      const [due, got] = [await before.run(feeds, names), await after.run(feeds, names)];
      for (const output of names) {
        const one = (toFloat32(due[output] as Tensor) as TensorOf<'float32'>).data;
        const other = (toFloat32(got[output] as Tensor) as TensorOf<'float32'>).data;
        const real = rows === undefined ? one : one.subarray(0, (one.length / rows) * count);
        for (const [at, value] of real.entries()) {
          const difference = Math.abs(value - (other[at] as number));
          if (!(difference <= apart)) apart = difference;
          most = Math.max(most, Math.abs(value));
        }
      }
    }
  } catch (error) {
    if (error instanceof RuntimeError) return Infinity;
    throw error;
  } finally {
    for (const session of sessions) await session.dispose();
  }
  return apart === 0 ? 0 : apart / most;
}

/** A batch as a file takes it: whole numbers are rounded, as in the working graph. */
function fed(batch: TensorOf<'float32'>, type: DataType): Tensor {
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
