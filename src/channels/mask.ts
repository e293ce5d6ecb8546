import type { Traced } from '../graph/index.ts';
import { type Edits, freshNames, type Network } from '../network/index.ts';
import { type Graph, type Node, sizeOf, type TensorOf } from '../onnx/index.ts';
import { foldOf, type Fold, type Slices } from './fold.ts';
import type { Site } from './sites.ts';

/** A graph with units of a site pruned, and the masks that keep them pruned through training. */
export interface Pruned {
  readonly graph: Graph;
  readonly fold: Fold;
  /** For each changed parameter, 0 where it stays zero. */
  readonly masks: ReadonlyMap<string, TensorOf<'float32'>>;
  /** The changed parameters, or the inserted Mul. */
  readonly edits: Edits;
}

/**
 * Puts a mask into the graph: into parameters if it can be folded, else as a Mul after the site.
 *
 * @param into - where to fold it; default: the first place that works
 * @throws ChannelsError 'channels/no-fold' if the mask cannot be folded there
 */
export function applyMask(
  { graph, traced }: Pick<Network, 'graph' | 'traced'>,
  site: Site,
  pruned: readonly number[],
  into?: Fold['into'],
): Pruned {
  const fold = foldOf(graph, traced, site, into);
  if (fold.into === 'mul') return { fold, masks: new Map(), ...withMul(graph, site, pruned) };
  const masks = parameterMasks(traced, fold.slices, new Set(pruned));
  const initializers = new Map(graph.initializers);
  for (const [name, mask] of masks) {
    initializers.set(name, masked(initializers.get(name) as TensorOf<'float32'>, mask));
  }
  const edits = { weights: new Set(masks.keys()), insertions: [] };
  return { graph: { ...graph, initializers }, fold, masks, edits };
}

/**
 * The graph with a Mul by the mask after the site. The product takes the name of the site, so that
 * every reader of the site, also in the body of an If, reads it masked.
 */
function withMul(
  graph: Graph,
  site: Site,
  pruned: readonly number[],
): Pick<Pruned, 'graph' | 'edits'> {
  const value = site.name;
  const fresh = freshNames(graph);
  const [mask, renamed] = [fresh(`${value}.mask`), fresh(`${value}.unmasked`)];
  const data = new Float32Array(site.units).fill(1);
  for (const unit of pruned) data[unit] = 0;
  const dims = [1, ...site.dims].map((_, axis) => (axis === site.axis ? site.units : 1));
  const product: Node = {
    op: 'Mul',
    domain: '',
    name: fresh(`${value}.masked`),
    inputs: [renamed, mask],
    outputs: [value],
    attributes: {},
  };
  const nodes = graph.nodes.flatMap((node) => {
    if (!node.outputs.includes(value)) return [node];
    const outputs = node.outputs.map((name) => (name === value ? renamed : name));
    return [{ ...node, outputs }, product];
  });
  const initializers = new Map(graph.initializers).set(mask, { type: 'float32', dims, data });
  const inserted = { value, renamed, nodes: [product], constants: [mask] };
  return {
    graph: { ...graph, nodes, initializers },
    edits: { weights: new Set(), insertions: [inserted] },
  };
}

/**
 * For each parameter of a fold, 0 where an element belongs to a pruned unit and 1 elsewhere. A mask has
 * the dims of the parameter, with 1 for every axis except that of the units.
 */
export function parameterMasks(
  traced: Traced,
  slices: readonly Slices[],
  pruned: ReadonlySet<number>,
): Map<string, TensorOf<'float32'>> {
  const masks = new Map<string, TensorOf<'float32'>>();
  for (const { parameter, axis, unit } of slices) {
    const rank = traced.graph.initializers.get(parameter)?.dims.length ?? 0;
    const dims = Array.from({ length: rank }, (_, i) => (i === axis ? unit.length : 1));
    // A layer may read a unit on several paths, as after a Concat of two pools: it has slices of each.
    const other = masks.get(parameter)?.data;
    const data = Float32Array.from(unit, (u, i) => (pruned.has(u) || other?.[i] === 0 ? 0 : 1));
    masks.set(parameter, { type: 'float32', dims, data });
  }
  return masks;
}

/** A parameter times a mask, which is broadcast to its dims. */
export function masked(
  tensor: TensorOf<'float32'>,
  mask: TensorOf<'float32'>,
): TensorOf<'float32'> {
  const at = broadcastIndex(mask, tensor.dims);
  const data = tensor.data.map((value, index) => (mask.data[at(index)] === 0 ? 0 : value));
  return { ...tensor, data };
}

/** The product of two masks of one parameter, broadcast to each other: zero where either is zero. */
function productOf(a: TensorOf<'float32'>, b: TensorOf<'float32'>): TensorOf<'float32'> {
  const dims = a.dims.map((dim, axis) => Math.max(dim, b.dims[axis] as number));
  const [inA, inB] = [broadcastIndex(a, dims), broadcastIndex(b, dims)];
  const data = new Float32Array(sizeOf(dims)).map((_, index) =>
    a.data[inA(index)] === 0 || b.data[inB(index)] === 0 ? 0 : 1,
  );
  return { type: 'float32', dims, data };
}

/** Masks of several sites as one: an element is 0 if it is 0 in any of them. */
export function mergeMasks(
  some: ReadonlyMap<string, TensorOf<'float32'>>,
  more: ReadonlyMap<string, TensorOf<'float32'>>,
): Map<string, TensorOf<'float32'>> {
  const all = new Map(some);
  for (const [parameter, mask] of more) {
    const other = all.get(parameter);
    all.set(parameter, other ? productOf(other, mask) : mask);
  }
  return all;
}

/** Maps an index into these dims to the index into a tensor that is broadcast to them. */
function broadcastIndex(
  tensor: TensorOf<'float32'>,
  dims: readonly number[],
): (index: number) => number {
  const steps = dims.map((dim, axis) => {
    const inner = sizeOf(dims.slice(axis + 1));
    const own = tensor.dims[axis] === 1 ? 0 : sizeOf(tensor.dims.slice(axis + 1));
    return { inner, dim, own };
  });
  const moving = steps.filter(({ own }) => own > 0);
  return (index) => {
    let at = 0;
    for (const { inner, dim, own } of moving) at += own * (Math.floor(index / inner) % dim);
    return at;
  };
}
