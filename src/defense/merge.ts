import type { Dataset } from '../data/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { withParameters } from '../train/index.ts';
import { biasCorrected, type MergeSettings } from './bias-correction.ts';
import type { Classifier } from './classifier.ts';
import type { FineTuning } from './fine-tune.ts';
import { mixed, numbersIn, weightsIn } from './weights.ts';

type Floats = TensorOf<'float32'>;

/**
 * The network that several fine-tunings from the same weights, each of which may have gone only a part
 * of the way, come to: the mean of their weights, with the biases of a classifier corrected, see
 * `biasCorrected`. Runs that were left out, as they made the network worse, have no part in it.
 *
 * @param from - the graph they all began with, which it is where none is left
 * @param mixing - how far of the way each went, in (0, 1]
 * @param clean - samples to correct biases by
 */
export async function merged(
  runtime: Runtime,
  classifier: Classifier,
  from: Graph,
  tunings: readonly FineTuning[],
  mixing: number,
  clean: Dataset,
  settings: MergeSettings = {},
): Promise<Graph> {
  const { parameters, objective } = classifier;
  const graphs = tunings.filter(({ chosen }) => chosen > 0).map(({ graph }) => graph);
  const [first, ...others] = graphs;
  if (!first) return from;
  const mean = others.length === 0 ? first : soup(graphs, parameters);
  const asTrained = others.length === 0 && mixing === 1;
  if (asTrained || objective) return mean;
  const before = numbersIn(from, parameters);
  const ends = graphs.map((graph) => ({
    graph: withParameters(graph, mixed(before, weightsIn(graph, parameters), 1 / mixing)),
    share: mixing / graphs.length,
  }));
  const parts = mixing === 1 ? ends : [...ends, { graph: from, share: 1 - mixing }];
  return biasCorrected(runtime, classifier, mean, parts, clean, settings);
}

/**
 * A graph with the mean of the weights of several that were trained from the same one (Wortsman et al.
 * 2022, "Model soups", section 2, the uniform soup): what one of them forgets by chance another has kept.
 */
export function soup(graphs: readonly Graph[], parameters: readonly string[]): Graph {
  const [first] = graphs as [Graph];
  const all = graphs.map((graph) => weightsIn(graph, parameters));
  const mean = (name: string) => {
    const [one, ...others] = all.map((weights) => weights.get(name)) as [Floats, ...Floats[]];
    const sum = (weight: number, at: number) =>
      others.reduce((total, { data }) => total + (data[at] as number), weight);
    return { ...one, data: one.data.map((weight, at) => sum(weight, at) / all.length) };
  };
  return withParameters(first, new Map(parameters.map((name) => [name, mean(name)])));
}
