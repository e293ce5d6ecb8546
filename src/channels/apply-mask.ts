import { Builder } from '../graph/index.ts';
import type { Edits, Network } from '../network/index.ts';
import type { Graph, Node, TensorOf } from '../onnx/index.ts';
import { foldOf, masked, parameterMasks, type Fold } from './mask.ts';
import type { Site } from './sites.ts';

/** A graph with units of a site pruned, and what keeps them so through training. */
export interface Pruned {
  readonly graph: Graph;
  readonly fold: Fold;
  /** For each parameter touched, 0 where it is held at zero. */
  readonly masks: ReadonlyMap<string, TensorOf<'float32'>>;
  readonly edits: Edits;
}

/**
 * Puts a mask into the graph: into parameters where it folds, else as a Mul after the site.
 *
 * @param into - where it is to go, if not wherever comes first
 * @throws DefenseError 'channels/no-fold' where it cannot go there
 */
export function applyMask(
  { graph, traced }: Network,
  site: Site,
  pruned: readonly number[],
  into?: Fold['into'],
): Pruned {
  const fold = foldOf(graph, traced, site, into);
  if (fold.into === 'mul') return { ...withMul(graph, site, pruned), fold, masks: new Map() };
  const masks = parameterMasks(traced, fold.slices, new Set(pruned));
  const initializers = new Map(graph.initializers);
  for (const [name, mask] of masks) {
    initializers.set(name, masked(initializers.get(name) as TensorOf<'float32'>, mask));
  }
  const edits = { weights: new Set(masks.keys()), insertions: [] };
  return { graph: { ...graph, initializers }, fold, masks, edits };
}

/**
 * The graph with a Mul by the mask after the site. It is the product that has the site's name then,
 * so that whoever reads the site, the body of an If too, reads it masked.
 */
function withMul(
  graph: Graph,
  site: Site,
  pruned: readonly number[],
): Pick<Pruned, 'graph' | 'edits'> {
  const b = new Builder(graph);
  const data = new Float32Array(site.units).fill(1);
  for (const unit of pruned) data[unit] = 0;
  const dims = [1, ...site.dims].map((_, axis) => (axis === site.axis ? site.units : 1));
  const mask = b.initializer(`${site.name}.mask`, { type: 'float32', dims, data });
  const unmasked = b.fresh(`${site.name}.unmasked`);
  const product: Node = {
    op: 'Mul',
    domain: '',
    name: freshNodeName(graph, `${site.name}.masked`),
    inputs: [unmasked, mask],
    outputs: [site.name],
    attributes: {},
  };
  const nodes = graph.nodes.flatMap((node) => {
    if (!node.outputs.includes(site.name)) return [node];
    const outputs = node.outputs.map((name) => (name === site.name ? unmasked : name));
    return [{ ...node, outputs }, product];
  });
  const { initializers } = b.build([]);
  const inserted = { value: site.name, renamed: unmasked, nodes: [product], constants: [mask] };
  return {
    graph: { ...graph, nodes, initializers },
    edits: { weights: new Set(), insertions: [inserted] },
  };
}

function freshNodeName({ nodes }: Graph, wanted: string): string {
  const used = new Set(nodes.map(({ name }) => name));
  let name = wanted;
  for (let i = 2; used.has(name); i += 1) name = `${wanted}_${i}`;
  return name;
}
