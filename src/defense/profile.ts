import type { Dataset } from '../data/index.ts';
import { Builder } from '../graph/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { outputsOf } from '../train/index.ts';
import type { Site } from './sites.ts';

/**
 * The mean activation of each unit of a site over a data set: over samples and places, after the
 * nonlinearity (Fine-Pruning, section 3.1).
 *
 * @returns one number for each unit
 */
export async function activationProfile(
  runtime: Runtime,
  graph: Graph,
  input: string,
  site: Site,
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const b = new Builder(graph);
  const places = site.dims.map((_, axis) => axis + 1).filter((axis) => axis !== site.axis);
  const mean =
    places.length === 0
      ? site.name
      : b.op('ReduceMean', [site.name, b.ints(places)], { keepdims: 0 });
  const results = await outputsOf(runtime, b.build([{ name: mean }]), dataset, {
    input,
    outputs: [mean],
    ...(signal && { signal }),
  });
  const { data } = results[mean] as TensorOf<'float32'>;
  const sums = new Float64Array(site.units);
  data.forEach((value, index) => {
    sums[index % site.units] = (sums[index % site.units] as number) + value;
  });
  return sums.map((total) => total / dataset.length);
}

/** Units from the least active to the most: the order in which they are pruned. Ties by number. */
export function ascending(profile: ArrayLike<number>): number[] {
  return Array.from({ length: profile.length }, (_, unit) => unit).sort(
    (a, b) => (profile[a] as number) - (profile[b] as number) || a - b,
  );
}
