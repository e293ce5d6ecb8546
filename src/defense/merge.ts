import type { Dataset } from '../data/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { withParameters } from '../train/index.ts';
import { biasCorrected, type MergeSettings } from './bias-correction.ts';
import type { Classifier } from './classifier.ts';
import type { FineTuning } from './fine-tune.ts';

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
  const ends = graphs.map((graph) => ({
    graph: mixing === 1 ? graph : onTheWay(from, graph, 1 / mixing, parameters),
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
  return changed(first, parameters, (name) => {
    const tensors = graphs.map((graph) => floatsOf(graph, name));
    return (at) => tensors.reduce((sum, data) => sum + (data[at] as number), 0) / tensors.length;
  });
}

/** A graph on the straight way from one to another, and beyond it where `share` is above 1. */
function onTheWay(from: Graph, to: Graph, share: number, parameters: readonly string[]): Graph {
  return changed(to, parameters, (name) => {
    const [before, after] = [floatsOf(from, name), floatsOf(to, name)];
    return (at) => (1 - share) * (before[at] as number) + share * (after[at] as number);
  });
}

function floatsOf({ initializers }: Graph, name: string): Float32Array {
  return (initializers.get(name) as Floats).data;
}

/** A graph with other numbers in some of its initializers. */
function changed(
  graph: Graph,
  names: readonly string[],
  numbersOf: (name: string) => (at: number) => number,
): Graph {
  const tensor = (name: string) => {
    const old = graph.initializers.get(name) as Floats;
    const number = numbersOf(name);
    return { ...old, data: old.data.map((_, at) => number(at)) };
  };
  return withParameters(graph, new Map(names.map((name) => [name, tensor(name)])));
}
