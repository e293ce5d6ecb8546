import type { Dataset } from '../data/index.ts';
import type { TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Network } from '../network/index.ts';
import type { Fold } from './fold.ts';

export interface UnitGradientSettings {
  readonly batchSize: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Batches that are looked at. */
const BATCHES = 20;

/**
 * Mean |gradient| of the weights that make each unit of a site, by the loss on clean data: what
 * fine-tuning can reach. A unit that no clean input activates has none, and is left as it is.
 *
 * @param fold - where the units' weights are; a mask of its own has none
 * @returns nothing where the weights, or a gradient of them, cannot be had
 */
export async function unitGradients(
  runtime: Runtime,
  network: Network,
  units: number,
  fold: Fold,
  clean: Dataset,
  settings: UnitGradientSettings,
): Promise<Float64Array | undefined> {
  if (fold.into === 'mul') return undefined;
  const { graph, parameters } = network;
  const trained = new Set(parameters);
  const slices = fold.slices.filter(({ parameter }) => trained.has(parameter));
  if (slices.length === 0) return undefined;
  const names = [...new Set(slices.map(({ parameter }) => parameter))];
  const how = { ...settings, parameters: names, batches: BATCHES };
  const sizes = await network.gradientMagnitudes?.(runtime, clean, how);
  if (!sizes) return undefined;
  const sums = new Float64Array(units);
  const counts = new Float64Array(units);
  for (const { parameter, axis, unit } of slices) {
    const { dims } = graph.initializers.get(parameter) as TensorOf<'float32'>;
    const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    sizes.get(parameter)?.absolute.forEach((size, at) => {
      const u = unit[Math.floor(at / inner) % unit.length] ?? -1;
      if (u < 0) return;
      sums[u] = (sums[u] as number) + size;
      counts[u] = (counts[u] as number) + 1;
    });
  }
  return sums.map((sum, u) => sum / Math.max(1, counts[u] as number));
}
