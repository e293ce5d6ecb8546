import { take, type Dataset } from '../data/index.ts';
import { Builder, consumers, floatOf } from '../graph/index.ts';
import { type Graph, type Node, sizeOf, type TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { outputsOf, withParameters } from '../train/index.ts';
import type { Classifier } from './classifier.ts';
import { type Along, overPlaces } from './profile.ts';

/** A network and its share in those that a merged one is made of. */
export interface MergedPart {
  readonly graph: Graph;
  readonly share: number;
}

export interface MergeSettings {
  readonly signal?: AbortSignal;
  /** Called with the layers whose biases are corrected, and all of them. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Samples to take means over: of so many, a mean is known to a thirtieth of a unit's deviation. */
const SAMPLES = 1000;

/** A bias that moves the units of a value, one each. */
interface Bias extends Along {
  readonly parameter: string;
}

/**
 * Corrects the biases of a network whose weights are a mean of others': every unit shall have the mean,
 * before its nonlinearity and over clean data, that the others' units have, by their shares. The mean of
 * weights is no mean of networks: what is weaker after one layer is weaker still after the next, and
 * units drift off to where the layers behind them do not expect them. Layer by layer, as what a
 * correction changes all that follow see.
 *
 * Jordan et al. 2023 ("REPAIR", section 3) reset the deviation of units too, which was no better here;
 * means alone are the empirical bias correction of Nagel et al. 2019 ("Data-free quantization",
 * section 4.2). The scores are left as they are.
 *
 * @param merged - what `parts` were merged to: they differ in their parameters only
 * @param clean - samples to take means over, a thousand at most
 */
export async function biasCorrected(
  runtime: Runtime,
  classifier: Pick<Classifier, 'traced' | 'input' | 'scores' | 'parameters'>,
  merged: Graph,
  parts: readonly MergedPart[],
  clean: Dataset,
  { signal, onProgress }: MergeSettings = {},
): Promise<Graph> {
  const biases = biasesIn(merged, classifier);
  if (biases.length === 0) return merged;
  const some = clean.length <= SAMPLES ? clean : take(clean, SAMPLES, 0);
  const means = (graph: Graph, of: readonly Bias[]) =>
    meansOf(runtime, graph, classifier.input, of, some, signal ? { signal } : {});
  const wanted = biases.map(() => [] as number[]);
  for (const { graph, share } of parts) {
    const each = await means(graph, biases);
    each.forEach((units, at) => {
      const sums = wanted[at] as number[];
      units.forEach((mean, unit) => (sums[unit] = (sums[unit] ?? 0) + share * mean));
    });
  }
  let graph = merged;
  for (const [at, bias] of biases.entries()) {
    const [now = []] = await means(graph, [bias]);
    const tensor = graph.initializers.get(bias.parameter) as TensorOf<'float32'>;
    const target = wanted[at] as readonly number[];
    const data = tensor.data.map((b, unit) => {
      const shift = (target[unit] as number) - (now[unit] as number);
      // A bias that silences its unit, as decoys have, can be so low that sums of it are no numbers.
      return Number.isFinite(shift) ? b + shift : b;
    });
    graph = withParameters(graph, new Map([[bias.parameter, { ...tensor, data }]]));
    onProgress?.(at + 1, biases.length);
  }
  return graph;
}

/** Biases among the parameters, each of one layer only, in the order of the graph. */
function biasesIn(
  graph: Graph,
  {
    traced,
    input,
    scores,
    parameters,
  }: Pick<Classifier, 'traced' | 'input' | 'scores' | 'parameters'>,
): Bias[] {
  const trained = new Set(parameters);
  const uses = consumers(graph);
  const rows = traced.values.get(input)?.dims[0];
  return graph.nodes.flatMap((node) => {
    const [value = ''] = node.outputs;
    const dims = traced.values.get(value)?.dims ?? [];
    return addedIn(node).flatMap((parameter) => {
      const bias = graph.initializers.get(parameter);
      const axis = bias ? axisIn(node, bias.dims, dims) : 0;
      const fits = bias !== undefined && axis > 0 && sizeOf(bias.dims) === dims[axis];
      // Of a value that has no row for each sample, such as steps of a sequence, no mean is taken.
      const alone = uses.get(parameter)?.length === 1 && value !== scores && dims[0] === rows;
      return trained.has(parameter) && fits && alone
        ? [{ parameter, value, axis, rank: dims.length }]
        : [];
    });
  });
}

/** Operators whose third input is a bias for each channel, along axis 1. */
const ADDING = new Set(['Conv', 'ConvTranspose', 'Gemm', 'BatchNormalization']);

/** Inputs of a node that it adds to its output as they are. */
function addedIn(node: Node): readonly string[] {
  const { op, inputs } = node;
  if (op === 'Add') return inputs;
  if (op === 'Gemm' && floatOf(node, 'beta', 1) !== 1) return [];
  return ADDING.has(op) ? inputs.slice(2, 3) : [];
}

/** The axis of a value that a bias lies along, 0 where there is none. */
function axisIn({ op }: Node, bias: readonly number[], dims: readonly number[]): number {
  if (op !== 'Add') return 1;
  const at = bias.findIndex((size) => size > 1);
  return at < 0 ? 0 : dims.length - bias.length + at;
}

/** For each of some values, the mean of each unit over samples and places. */
async function meansOf(
  runtime: Runtime,
  graph: Graph,
  input: string,
  biases: readonly Bias[],
  clean: Dataset,
  settings: { readonly signal?: AbortSignal },
): Promise<number[][]> {
  const b = new Builder(graph);
  const outputs = biases.map((bias) => overPlaces(b, 'ReduceMean', bias, 0));
  const built = b.build(outputs.map((name) => ({ name })));
  const found = await outputsOf(runtime, built, clean, { input, outputs, ...settings });
  return outputs.map((name) => {
    const { dims, data } = found[name] as TensorOf<'float32'>;
    const [samples, units] = dims as [number, number];
    const sums = Array.from({ length: units }, () => 0);
    data.forEach((mean, at) => (sums[at % units] = (sums[at % units] as number) + mean));
    return sums.map((sum) => sum / samples);
  });
}
