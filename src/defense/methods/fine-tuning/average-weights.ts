import type { Graph, TensorOf } from '../../../onnx/index.ts';
import { withParameters } from '../../../train/index.ts';
import type { FineTuning } from './fine-tune.ts';
import { weightsIn } from './weights.ts';

/**
 * A graph with the mean of the weights that several fine-tunings from it came to (Wortsman et al. 2022,
 * "Model soups", section 2, the uniform soup): what one of them forgets by chance another has kept. Runs
 * that were left out, as they made the network worse, have no part in it.
 *
 * @param from - the graph they all began with
 * @param parameters - what they trained
 */
export function averageWeights(
  from: Graph,
  tunings: readonly FineTuning[],
  parameters: readonly string[],
): Graph {
  const [first, ...others] = tunings.filter(({ chosen }) => chosen > 0);
  if (!first) return from;
  if (others.length === 0) return first.graph;
  const all = [first, ...others].map(({ graph }) => weightsIn(graph, parameters));
  const mean = (name: string) => {
    const tensors = all.map((weights) => weights.get(name)) as [TensorOf<'float32'>];
    const [one] = tensors;
    const sum = (at: number) =>
      tensors.reduce((total, { data }) => total + (data[at] as number), 0);
    return { ...one, data: one.data.map((_, at) => sum(at) / tensors.length) };
  };
  return withParameters(from, new Map(parameters.map((name) => [name, mean(name)])));
}
