import type { Graph, TensorOf } from '../../../onnx/index.ts';
import type { Parameters } from '../../../train/index.ts';

/** Some initializers of a graph, which training may change: all are float32. */
export function weightsIn(
  { initializers }: Graph,
  names: readonly string[],
): Map<string, TensorOf<'float32'>> {
  return new Map(names.map((name) => [name, initializers.get(name) as TensorOf<'float32'>]));
}

/** The numbers of these. */
export function numbersIn(graph: Graph, names: readonly string[]): Map<string, Float32Array> {
  return new Map([...weightsIn(graph, names)].map(([name, { data }]) => [name, data]));
}

/** (1 - share) · from + share · to: on the straight way between them. */
export function interpolated(
  from: ReadonlyMap<string, Float32Array>,
  to: Parameters,
  share: number,
): Parameters {
  return new Map(
    [...to].map(([name, tensor]) => {
      const before = from.get(name) as Float32Array;
      const mix = (after: number, at: number) =>
        (1 - share) * (before[at] as number) + share * after;
      return [name, { ...tensor, data: tensor.data.map(mix) }];
    }),
  );
}
