import type { Repair } from '../../defense/index.ts';
import { upstream } from '../../graph/index.ts';
import { sizeOf } from '../../onnx/index.ts';
import type { RunRecord } from './record.ts';
import { isTuning, prunedSitesOf, stepsOf } from './steps.ts';

type Layers = NonNullable<RunRecord['layers']>;

/** Further layers are left out: nobody reads a longer table. */
const MOST = 400;

/** The layers that have weights, and the pruned sites, in the order in which they run. */
export function layersOf(repair: Repair): Layers {
  const { traced, scores, parameters } = repair.given;
  const sites = prunedSitesOf(repair).map(({ site }) => site);
  const tunings = stepsOf(repair).filter(isTuning);
  const trained = new Set(tunings.flatMap(({ data }) => data.trained));
  const weights = new Set(parameters);
  const needed = upstream(traced.graph, [scores]);
  const found: Layers = [];
  for (const node of traced.graph.nodes) {
    const output = node.outputs.find((name) => needed.has(name));
    if (output === undefined) continue;
    const own = node.inputs.filter((name) => weights.has(name));
    const site = sites.find(({ name }) => node.outputs.includes(name));
    if (own.length === 0 && !site) continue;
    found.push({
      op: node.op,
      name: node.name || output,
      dims: [...(traced.values.get(output)?.dims.slice(1) ?? [])],
      weights: own.reduce((sum, name) => sum + sizeOf(traced.values.get(name)?.dims ?? []), 0),
      trained: own.some((name) => trained.has(name)),
      site: site?.name,
    });
  }
  return found.slice(0, MOST);
}
