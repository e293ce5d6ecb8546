import { normalise, OPSET, type Traced } from '../graph/index.ts';
import type { Graph, Model, ValueInfo } from '../onnx/index.ts';
import type { Dataset } from '../data/index.ts';
import { type Runtime, trace } from '../runtime/index.ts';
import { DefenseError } from './error.ts';
import { literalsOf, parametersOf } from './parameters.ts';

/** A classifier to be defended: its working graph, and how it is fed and read. */
export interface Classifier {
  /** In the canonical opset, for any batch size. */
  readonly graph: Graph;
  /** The same, traced on two samples: only to be looked at, since its shapes are fixed. */
  readonly traced: Traced;
  readonly input: string;
  /** Value with a score for each class, dims [batch, classes]. */
  readonly scores: string;
  /** Initializers that training may change. */
  readonly parameters: readonly string[];
}

/**
 * Makes a model ready for defense.
 *
 * @param dataset - clean samples, of the model's input size
 * @throws DefenseError where the model is not a classifier of such samples
 * @throws NormaliseError, RuntimeFault where its graph cannot be worked on
 */
export async function classifierOf(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
): Promise<Classifier> {
  const { graph } = normalise(model);
  const input = one(graph.inputs, 'input');
  const output = one(graph.outputs, 'output');
  fits(input, dataset);
  const parameters = parametersOf(graph, output.name, literalsOf(model));
  const traced = await tracedOn(runtime, graph, input.name, parameters, dataset);
  const scores = traced.values.get(output.name);
  const classes = dataset.classes.length;
  if (scores?.dims.length !== 2 || scores.dims[1] !== classes) {
    throw new DefenseError(
      'defense/classes',
      `The model's output "${output.name}" has dims [${scores?.dims.join(', ') ?? ''}] for 2 samples, but the data has ${classes} classes (${dataset.classes.slice(0, 12).join(', ')}): it should be [2, ${classes}]`,
    );
  }
  return { graph, traced, input: input.name, scores: output.name, parameters };
}

/** The same classifier with another graph in place of its own, such as one that is masked. */
export async function withGraph(
  runtime: Runtime,
  classifier: Classifier,
  graph: Graph,
  dataset: Dataset,
): Promise<Classifier> {
  const { input, parameters } = classifier;
  const traced = await tracedOn(runtime, graph, input, parameters, dataset);
  return { ...classifier, graph, traced };
}

async function tracedOn(
  runtime: Runtime,
  graph: Graph,
  input: string,
  parameters: readonly string[],
  dataset: Dataset,
): Promise<Traced> {
  const data = new Float32Array(2 * dataset.sample.reduce((a, b) => a * b, 1));
  await dataset.read([0, dataset.length - 1], data);
  const feeds = { [input]: { type: 'float32', dims: [2, ...dataset.sample], data } } as const;
  return trace(runtime, graph, OPSET, feeds, parameters);
}

function one(infos: readonly ValueInfo[], what: string): ValueInfo {
  const [info, ...others] = infos;
  if (!info || others.length > 0) {
    throw new DefenseError(
      'defense/model-shape',
      `The model has ${infos.length} ${what}s (${infos.map(({ name }) => `"${name}"`).join(', ')}): a classifier of one ${what} is needed`,
    );
  }
  return info;
}

function fits(input: ValueInfo, dataset: Dataset): void {
  const dims = input.dims?.slice(1);
  const same =
    !dims ||
    (dims.length === dataset.sample.length &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim === dataset.sample[axis]));
  if (!same) {
    throw new DefenseError(
      'defense/model-shape',
      `The model's input "${input.name}" takes samples of [${dims?.join(', ')}], the data "${dataset.name}" has [${dataset.sample.join(', ')}]`,
    );
  }
}
