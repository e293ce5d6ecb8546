import type { Augment, Dataset } from '../../data/index.ts';
import { openClassifier, parametersOf } from '../../network/index.ts';
import type { Graph } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { train, withParameters, type OptimizerSettings, type Schedule } from '../../train/index.ts';
import type { AttackEpoch, NetworkKind, TrainingRun } from './network-kind.ts';
import { poison, triggered } from './poison.ts';

/** How a classifier is trained. */
export interface ClassifierTraining {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  readonly schedule: Schedule;
  /** 'training' for networks whose BatchNormalization learns its statistics; see `LossSettings`. */
  readonly mode?: 'training' | undefined;
  readonly augment?: Augment | undefined;
  /** Label smoothing, see `crossEntropy`. */
  readonly smoothing?: number | undefined;
}

/** Classifiers: one label for each sample. */
export const classification: NetworkKind<ClassifierTraining> = {
  baselineFrom: 'scratch',
  open: (runtime, model, dataset) => openClassifier(runtime, model, dataset),
  async train(runtime, model, dataset, training, run) {
    const { graph, epochs } = await trainedGraph(
      runtime,
      model.graph,
      inputAndOutput(model.graph),
      dataset,
      training,
      run,
    );
    return { model: { ...model, graph }, epochs };
  },
  trainGraph: (runtime, { network, graph }, dataset, training, run) =>
    trainedGraph(runtime, graph, network, dataset, training, run),
  poison,
  triggered: (dataset, trigger) => triggered(dataset, trigger),
  triggeredTest: async (_, dataset, { trigger }) => triggered(dataset, trigger),
};

/** Names of the input, the logits and the trainable initializers of a classifier's graph. */
interface GraphNames {
  readonly input: string;
  readonly scores: string;
  readonly parameters: readonly string[];
}

function inputAndOutput(graph: Graph): GraphNames {
  const [input, output] = [graph.inputs[0], graph.outputs[0]];
  if (!input || !output) throw new Error(`the graph "${graph.name}" has no input or no output`);
  return {
    input: input.name,
    scores: output.name,
    parameters: parametersOf(graph, output.name),
  };
}

async function trainedGraph(
  runtime: Runtime,
  graph: Graph,
  { input, scores, parameters }: GraphNames,
  dataset: Dataset,
  training: ClassifierTraining,
  { seed, epochs, masks, signal, onProgress }: TrainingRun,
): Promise<{ readonly graph: Graph; readonly epochs: readonly AttackEpoch[] }> {
  const record: AttackEpoch[] = [];
  const weights = await train(runtime, graph, dataset, {
    ...training,
    epochs: epochs ?? training.epochs,
    masks,
    signal,
    onStep: onProgress,
    input,
    logits: scores,
    parameters,
    seed,
    onEpoch({ epoch, loss, accuracy }) {
      record.push({ epoch, loss, accuracy });
      return 'continue';
    },
  });
  return { graph: withParameters(graph, weights), epochs: record };
}
