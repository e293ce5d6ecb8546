import type { PruningStep, Repair, TuningStep } from '../../defense/index.ts';
import { upstream } from '../../graph/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import type { RunRecord } from './record.ts';

type Layers = NonNullable<RunRecord['layers']>;

/** Rows of a table that a person reads. */
const MOST = 400;

/** The network's layers in the order in which they run: those that hold weights, and the sites. */
export function layersOf({ given, outcomes }: Repair): Layers {
  const { traced, scores, parameters } = given;
  const steps = outcomes.at(-1)?.steps ?? [];
  const sites = steps.flatMap(({ kind, data }) =>
    kind === 'pruning' ? (data as PruningStep['data']).sites.map(({ site }) => site) : [],
  );
  const trained = new Set(
    steps.flatMap(({ kind, data }) =>
      kind === 'tuning' ? (data as TuningStep['data']).trained : [],
    ),
  );
  const held = new Set(parameters);
  const needed = upstream(traced.graph, [scores]);
  const found: Layers = [];
  for (const node of traced.graph.nodes) {
    const output = node.outputs.find((name) => needed.has(name));
    if (output === undefined) continue;
    const own = node.inputs.filter((name) => held.has(name));
    const site = sites.find(({ name }) => node.outputs.includes(name));
    if (own.length === 0 && !site) continue;
    found.push({
      op: node.op,
      name: node.name || output,
      dims: [...(traced.values.get(output)?.dims.slice(1) ?? [])],
      weights: own.reduce((sum, name) => sum + sizeOf(traced.values.get(name)?.dims ?? []), 0),
      trained: own.some((name) => trained.has(name)),
      ...(site && { site: site.name }),
    });
  }
  return found.slice(0, MOST);
}
