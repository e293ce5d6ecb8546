import type { Dataset } from '../../data/index.ts';
import { exportModel, parametersOf } from '../../network/index.ts';
import {
  decodeModel,
  encodeModel,
  type Graph,
  type Model,
  type TensorOf,
} from '../../onnx/index.ts';
import { sha256Of } from '../../onnx/file.ts';
import type { Runtime } from '../../runtime/index.ts';
import { train, withParameters } from '../../train/index.ts';
import type { Task } from '../tasks/task.ts';

/** Mean loss and, of a classifier, accuracy over one epoch's samples, as they were trained on. */
export interface AttackEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy?: number | undefined;
}

export interface TrainingRun {
  readonly seed: number;
  /** In place of the task's. */
  readonly epochs?: number | undefined;
  /** What is held at zero. */
  readonly masks?: ReadonlyMap<string, TensorOf<'float32'>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** Where a classifier's graph is fed and read, and what in it may be trained. */
export interface Ends {
  readonly input: string;
  readonly scores: string;
  readonly parameters: readonly string[];
}

/** A classifier's ends: it has one input and one output. */
export function endsOf(graph: Graph): Ends {
  const [input, output] = [graph.inputs[0], graph.outputs[0]];
  if (!input || !output) throw new Error(`the graph "${graph.name}" has no input or no output`);
  return {
    input: input.name,
    scores: output.name,
    parameters: parametersOf(graph, output.name),
  };
}

/** Trains a graph as a task says; the weights it has are where it starts. */
export async function trainedOn(
  runtime: Runtime,
  graph: Graph,
  { input, scores, parameters }: Ends,
  dataset: Dataset,
  training: Task['training'],
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
      return 'go on';
    },
  });
  return { graph: withParameters(graph, weights), epochs: record };
}

/** A task's network, trained on clean data: what the attacker starts from and is compared with. */
export async function cleanNetwork(
  runtime: Runtime,
  task: Task,
  dataset: Dataset,
  run: Omit<TrainingRun, 'masks'>,
): Promise<Model> {
  const model = task.network(run.seed, dataset.classes);
  const ends = endsOf(model.graph);
  const { graph } = await trainedOn(runtime, model.graph, ends, dataset, task.training, run);
  return { ...model, graph };
}

/** A model with the weights of a working graph that was made from it: nothing else changes. */
export function withWeightsOf(model: Model, graph: Graph): Model {
  const bytes = encodeModel(model);
  const edits = { weights: new Set(graph.initializers.keys()), insertions: [] };
  return decodeModel(exportModel({ bytes, model, sha256: sha256Of(bytes) }, graph, edits, {}));
}
