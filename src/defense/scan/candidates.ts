import { producers } from '../../graph/index.ts';
import type { Network } from '../../network/index.ts';
import type { Graph, Tensor } from '../../onnx/index.ts';
import { isArithmetic, isMatrixProduct, movedInputs } from '../../ops/index.ts';

/**
 * Chooses the classes to search where there are too many, by the weights of the last layer: a backdoor's
 * target has to win against every class. Two clues are asked in turn: the sum of a class's positive weights,
 * and how far its largest weight exceeds that of the other classes for the same feature.
 *
 * @returns at most `most` classes, the most suspect first; the first ones where there is no such layer
 */
export function candidateClasses(network: Network, classes: number, most: number): number[] {
  const all = Array.from({ length: classes }, (_, label) => label);
  const weights = lastLayer(network.graph, network.scores, classes);
  if (!weights) return all.slice(0, most);
  const { features, of } = weights;
  const positive = all.map((label) => {
    let sum = 0;
    for (let feature = 0; feature < features; feature += 1) sum += Math.max(0, of(label, feature));
    return sum;
  });
  const excess = all.map(() => -Infinity);
  for (let feature = 0; feature < features; feature += 1) {
    let [first, second, winner] = [-Infinity, -Infinity, 0];
    for (const label of all) {
      const weight = of(label, feature);
      if (weight > first) [first, second, winner] = [weight, first, label];
      else if (weight > second) second = weight;
    }
    excess[winner] = Math.max(excess[winner] as number, first - second);
  }
  const ranked = [positive, excess].map((clue) =>
    all.toSorted((a, b) => (clue[b] as number) - (clue[a] as number) || a - b),
  );
  const chosen = new Set<number>();
  for (const rank of all) {
    for (const order of ranked) if (chosen.size < most) chosen.add(order[rank] as number);
  }
  return [...chosen];
}

interface LastLayer {
  readonly features: number;
  readonly of: (label: number, feature: number) => number;
}

/** The weights of the matrix product that makes the scores. */
function lastLayer(graph: Graph, scores: string, classes: number): LastLayer | undefined {
  const made = producers(graph);
  let node = made.get(scores);
  // A bias and a change of shape may follow.
  for (let steps = 0; node && !isMatrixProduct(node) && steps < 8; steps += 1) {
    const sources = isArithmetic(node) ? node.inputs : movedInputs(node);
    node = sources.map((name) => made.get(name)).find((source) => source !== undefined);
  }
  if (!node || !isMatrixProduct(node)) return undefined;
  const weight = node.inputs.map((name) => graph.initializers.get(name)).find(isMatrixOf(classes));
  if (!weight) return undefined;
  const [rows, columns] = weight.dims as [number, number];
  const { data } = weight;
  const transposed = rows === classes && columns !== classes;
  return transposed
    ? { features: columns, of: (label, feature) => data[label * columns + feature] as number }
    : { features: rows, of: (label, feature) => data[feature * columns + label] as number };
}

const isMatrixOf =
  (classes: number) =>
  (tensor: Tensor | undefined): tensor is Tensor & { readonly type: 'float32' } =>
    tensor?.type === 'float32' && tensor.dims.length === 2 && tensor.dims.includes(classes);
