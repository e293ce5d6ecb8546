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

/** How many batches the gradient is averaged over. */
const BATCHES = 20;

/**
 * Mean |gradient| of the loss on clean data by the weights that produce each unit of a site. It shows
 * which units fine-tuning can change: a unit that no clean input activates has no gradient.
 *
 * @param fold - where the units' weights are; a Mul has none
 * @returns undefined if the weights, or their gradient, are not available
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
