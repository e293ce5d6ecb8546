import { normalize, OPSET, type Traced } from '../graph/index.ts';
import { type Graph, type Model, sizeOf, type TensorOf, type ValueInfo } from '../onnx/index.ts';
import type { Dataset } from '../data/index.ts';
import { type Runtime, RuntimeError, trace } from '../runtime/index.ts';
import {
  argmax,
  gradientMagnitudes,
  inputGradient,
  openSession,
  computeOutputs,
  predict,
  fixedBatchSize,
  trainEpoch,
  trainingStep,
} from '../train/index.ts';
import { AutodiffError } from '../autodiff/index.ts';
import { accuracy, attackSuccess, robustAccuracy } from '../metrics/index.ts';
import { agree, forAnyBatch } from './adapt/any-batch.ts';
import { NetworkError } from './error.ts';
import { inputOf, standardized, withFloatInput } from './adapt/inputs.ts';
import { checkScale } from './adapt/scale.ts';
import type { Network } from './network.ts';
import { literalsOf, parametersOf } from './parameters.ts';
import { scoresOf } from './adapt/scores.ts';

/** The default settings for fine-tuning a classifier. */
export const TUNING = { epochs: 12, batchSize: 128, rate: 'auto', schedule: 'cosine' } as const;

export interface ClassifierOptions {
  /** The output with the scores; may be left out if only one can have them. */
  readonly output?: string | undefined;
}

type Floats = TensorOf<'float32'>;

/**
 * Opens a classifier: it predicts the class with the highest score, and is trained with cross-entropy.
 *
 * The model may output logits or probabilities, take integers (which are fed as floats and rounded) and
 * have several outputs. If it was exported for one batch size, it is rewritten for any, provided that this
 * gives the same outputs.
 *
 * @param dataset - clean samples, of the model's input size
 * @throws NetworkError if the model is not a classifier of such samples
 * @throws NormalizeError, RuntimeError if its graph is not supported
 */
export async function openClassifier(
  runtime: Runtime,
  model: Model,
  dataset: Dataset,
  options: ClassifierOptions = {},
): Promise<Network> {
  const { graph: whole, constants: added } = standardized(normalize(model).graph);
  const taken = inputOf(whole, options.output);
  checkSampleDims(taken, dataset);
  const { graph: fed, input } = withFloatInput(whole, taken.name);
  const batch = await anyBatch(runtime, fed, input, taken, dataset, options.output);
  const feeds = { [input]: await samplesOf(dataset, 0, fixedBatchSize(batch, input) ?? 2) };
  const literals = new Set([...literalsOf(model), ...added]);
  const guess = options.output ?? batch.outputs[0]?.name ?? '';
  const kept = parametersOf(batch, guess, literals);
  const first = await trace(runtime, batch, OPSET, feeds, kept);
  const output = outputOf(batch, first, options.output, dataset);
  const { graph, scores, constants } = await scoresOf(first, batch, output, () =>
    run(runtime, batch, input, output, feeds[input] as Floats),
  );
  const parameters = parametersOf(graph, scores, new Set([...literals, ...constants]));
  const same = graph === batch && parameters.join('\n') === kept.join('\n');
  const traced = same ? first : await trace(runtime, graph, OPSET, feeds, parameters);
  const dims = traced.values.get(scores)?.dims ?? [];
  const classes = dataset.classes.length;
  if (dims[1] !== classes) {
    throw new NetworkError(
      'network/classes',
      `The model's output "${output}" has ${dims[1]} classes, but the data has ${classes} (${dataset.classes.slice(0, 12).join(', ')})`,
    );
  }
  return classifier({ graph, traced, input, scores, parameters });
}

type Parts = Pick<Network, 'graph' | 'traced' | 'input' | 'scores' | 'parameters'>;

/** The methods of a classifier. */
function classifier(parts: Parts): Network {
  const { input, scores } = parts;
  const logits = scores;
  return {
    ...parts,
    proposing: [],
    outputs: [scores],
    rank: 'mean',
    tuning: TUNING,
    read: (results) => ({ called: argmax(results[scores] as Floats) }),
    async predict(runtime, graph, dataset, settings = {}) {
      return { called: await predict(runtime, graph, dataset, { input, logits, ...settings }) };
    },
    answerNames: ({ classes }) => classes,
    async numbers(runtime, graph, dataset) {
      const results = await computeOutputs(runtime, graph, dataset, { input, outputs: [scores] });
      return (results[scores] as Floats).data;
    },
    score: ({ called }, { labels }) => accuracy(called, labels),
    scoreAttack: ({ called }, { labels }, target) => ({
      asr: attackSuccess(called, labels, target),
      ra: robustAccuracy(called, labels),
    }),
    async withGraph(runtime, graph, dataset) {
      const { parameters } = this;
      const feeds = { [input]: await samplesOf(dataset, 0, fixedBatchSize(graph, input) ?? 2) };
      return { ...this, graph, traced: await trace(runtime, graph, OPSET, feeds, parameters) };
    },
    batchSize: (graph, asked) => fixedBatchSize(graph, input) ?? asked,
    async checkInput(runtime, dataset) {
      // Without labels nobody can tell whether the scale fits.
      const scale = dataset.unlabeled ? undefined : await checkScale(runtime, this, dataset);
      return { scale, fixedBatchSize: fixedBatchSize(this.graph, input) };
    },
    async gradientMagnitudes(runtime, dataset, settings) {
      try {
        return (
          await gradientMagnitudes(runtime, this.graph, dataset, { ...settings, input, logits })
        ).sizes;
      } catch (error) {
        if (error instanceof AutodiffError) return undefined;
        throw error;
      }
    },
    inputGradient(runtime, { sample, classes }, batchSize) {
      const { graph } = this;
      return inputGradient(runtime, graph, {
        input,
        logits,
        sample,
        classes: classes.length,
        batchSize,
      });
    },
    async trainer(runtime, graph, dataset, settings) {
      const step = await trainingStep(runtime, graph, {
        ...settings,
        input,
        logits,
        sample: dataset.sample,
        classes: dataset.classes.length,
      });
      return { ...step, epoch: (how, epoch) => trainEpoch(step, dataset, how, epoch) };
    },
  };
}

/** The output with the scores: the named one, or the only one that can have them. */
function outputOf(
  { outputs }: Graph,
  { values }: Traced,
  named: string | undefined,
  { classes }: Dataset,
): string {
  if (named !== undefined) return named;
  const [only] = outputs;
  if (only && outputs.length === 1) return only.name;
  const widths = outputs.map(({ name }) => {
    const { type, dims = [] } = values.get(name) ?? {};
    return type === 'float32' && dims.length >= 2 ? sizeOf(dims.slice(1)) : 0;
  });
  const fitting = outputs.filter((_, i) => widths[i] === classes.length);
  if (fitting.length === 1) return (fitting[0] as ValueInfo).name;
  const list = outputs.map(({ name }) => `"${name}" [${values.get(name)?.dims.join(', ') ?? '?'}]`);
  throw new NetworkError(
    'network/output',
    `The model has ${outputs.length} outputs, of which ${fitting.length} fit ${classes.length} classes (${list.join(', ')}): name the output with the scores with --output`,
  );
}

/** The graph rewritten for any batch size; unchanged if that does not give the same outputs. */
async function anyBatch(
  runtime: Runtime,
  graph: Graph,
  input: string,
  { dims }: ValueInfo,
  dataset: Dataset,
  output = graph.outputs[0]?.name as string,
): Promise<Graph> {
  const rows = dims?.[0];
  if (typeof rows !== 'number' || rows < 1) return graph;
  try {
    const feeds = { [input]: await samplesOf(dataset, 0, rows) };
    const rewritten = forAnyBatch(graph, await trace(runtime, graph, OPSET, feeds), input);
    const both = await samplesOf(dataset, 0, 2 * rows);
    const once = await run(runtime, rewritten, input, output, both);
    const each = sizeOf(once.dims.slice(1)) * rows;
    for (const half of [0, 1]) {
      const fixed = await run(
        runtime,
        graph,
        input,
        output,
        await samplesOf(dataset, half * rows, rows),
      );
      const part = { ...once, data: once.data.subarray(half * each, (half + 1) * each) };
      if (!agree(fixed, part)) return graph;
    }
    return rewritten;
  } catch (error) {
    if (error instanceof RuntimeError) return graph;
    throw error;
  }
}

async function run(
  runtime: Runtime,
  graph: Graph,
  input: string,
  output: string,
  x: Floats,
): Promise<Floats> {
  const session = await openSession(runtime, graph, { input, outputs: [output] });
  try {
    return (await session.run({ [input]: x }))[output] as Floats;
  } finally {
    await session.dispose();
  }
}

/** Consecutive samples as one tensor; after the last one it goes on with the first. */
async function samplesOf(dataset: Dataset, from: number, count: number): Promise<Floats> {
  const data = new Float32Array(count * sizeOf(dataset.sample));
  await dataset.read(
    Array.from({ length: count }, (_, i) => (from + i) % dataset.length),
    data,
  );
  return { type: 'float32', dims: [count, ...dataset.sample], data };
}

function checkSampleDims(input: ValueInfo, dataset: Dataset): void {
  const dims = input.dims?.slice(1);
  const same =
    !dims ||
    (dims.length === dataset.sample.length &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim === dataset.sample[axis]));
  if (!same) {
    throw new NetworkError(
      'network/model-shape',
      `The model's input "${input.name}" takes samples of [${dims?.join(', ')}], the data "${dataset.name}" has [${dataset.sample.join(', ')}]`,
    );
  }
}
