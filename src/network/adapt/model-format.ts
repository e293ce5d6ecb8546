import type { InputFormat, Layout } from '../../data/index.ts';
import { consumers, intsOf } from '../../graph/index.ts';
import type { Dim, Graph, Model, ValueInfo } from '../../onnx/index.ts';
import { traitsOf } from '../../ops/index.ts';
import { NetworkError } from '../error.ts';
import { inputOf } from './inputs.ts';

/** The input and output format of a model, as far as its file shows it. */
export interface ModelFormat {
  /** The name of its input. */
  readonly name: string;
  readonly input: InputFormat;
  /** How many classes its output has, if the file shows it. */
  readonly outputs?: number | undefined;
}

export interface FormatOptions {
  /** The output with the scores; see `openClassifier`. */
  readonly output?: string | undefined;
  /** The order of an image's axes, if the graph does not show it or shows it wrongly. */
  readonly layout?: Layout | undefined;
  /** Height and width of images, for a model that takes any size. */
  readonly size?: readonly [height: number, width: number] | undefined;
}

/**
 * Finds the input format of a model, before any data are read.
 *
 * @throws NetworkError 'network/model-shape' if the model does not have one input of known rank
 */
export function formatOf(model: Model, options: FormatOptions = {}): ModelFormat {
  const { graph } = model;
  const input = inputOf(graph, options.output);
  const dims = input.dims?.slice(1).map((dim) => (typeof dim === 'number' && dim > 0 ? dim : null));
  if (!dims || dims.length === 0) {
    throw new NetworkError(
      'network/model-shape',
      `The model's input "${input.name}" has dims [${input.dims?.join(', ') ?? 'unknown'}]: export the model with the shape of its input, a batch of samples such as [N, 3, 224, 224]`,
    );
  }
  const layout = options.layout ?? layoutOf(graph, input);
  const { size } = options;
  if (size && dims.length === 3) {
    const [down, across] = layout === 'NCHW' ? [1, 2] : [0, 1];
    dims[down] ??= size[0];
    dims[across] ??= size[1];
  }
  const outputs = classesIn(graph, options.output);
  return {
    name: input.name,
    input: { dims, layout, ...(input.type === 'uint8' && { bytes: true }) },
    outputs,
  };
}

/** How many classes an output of known dims has; one score per sample means two classes. */
function classesIn(graph: Graph, output: string | undefined): number | undefined {
  const named =
    output === undefined
      ? graph.outputs.filter(({ dims }) => isScores(dims))
      : graph.outputs.filter(({ name }) => name === output);
  if (named.length !== 1) return undefined;
  const rest = (named[0]?.dims ?? []).slice(1);
  if (rest.length === 0 || !rest.every((dim) => typeof dim === 'number' && dim > 0)) {
    return undefined;
  }
  const count = (rest as number[]).reduce((a, b) => a * b, 1);
  return count === 1 ? 2 : count;
}

const isScores = (dims: readonly Dim[] | undefined): boolean =>
  dims !== undefined && dims.length > 1 && dims.slice(2).every((dim) => dim === 1);

const isChannels = (dim: Dim | undefined): boolean => dim === 1 || dim === 3;

/** The layout of the input, from the first operator that shows it, else from the dims. */
function layoutOf(graph: Graph, { name, dims = [] }: ValueInfo): Layout {
  const uses = consumers(graph);
  const reached = new Set([name]);
  for (const value of reached) {
    for (const { node } of uses.get(value) ?? []) {
      const { image } = traitsOf(node);
      if (image === 'channels first') return 'NCHW';
      if (image === 'permuted') {
        return intsOf(node, 'perm', []).join() === '0,3,1,2' ? 'NHWC' : 'NCHW';
      }
      if (image === 'kept') for (const output of node.outputs) reached.add(output);
    }
  }
  return dims.length === 4 && isChannels(dims[3]) && !isChannels(dims[1]) ? 'NHWC' : 'NCHW';
}
