import type { Dataset } from '../data/index.ts';
import {
  accuracy,
  attackSuccess,
  robustAccuracy,
  type Evaluation,
  type Target,
} from '../metrics/index.ts';
import type { Graph } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { objectiveOf, type Classifier } from './classifier.ts';
import { labelsOf } from './objective.ts';

/** Data on which a network is judged: clean, and triggered where that is known. */
export interface TestData {
  readonly clean: Dataset;
  /** Samples that carry the trigger, labelled with what they truly are. */
  readonly triggered?: { readonly dataset: Dataset; readonly target: Target };
}

/** The classes that a graph gives test data. */
export interface Predictions {
  readonly clean: Int32Array;
  readonly triggered?: Int32Array;
}

export async function predictTest(
  runtime: Runtime,
  classifier: Classifier,
  graph: Graph,
  test: TestData,
): Promise<Predictions> {
  const objective = objectiveOf(classifier);
  const clean = await objective.predict(runtime, graph, test.clean);
  if (!test.triggered) return { clean };
  return { clean, triggered: await objective.predict(runtime, graph, test.triggered.dataset) };
}

/** Accuracy, attack success and robust accuracy out of predictions. */
export function judge({ clean, triggered }: Predictions, test: TestData): Evaluation {
  return {
    ...judgeOne('clean', clean, test),
    ...(triggered && judgeOne('triggered', triggered, test)),
  } as Evaluation;
}

/** The part of an evaluation that predictions of clean, or of triggered, test data give. */
export function judgeOne(
  part: 'clean' | 'triggered',
  predicted: Int32Array,
  test: TestData,
): Partial<Evaluation> {
  if (part === 'clean') return { acc: accuracy(predicted, labelsOf(test.clean)) };
  if (!test.triggered) return {};
  const { dataset, target } = test.triggered;
  const labels = labelsOf(dataset);
  return {
    asr: attackSuccess(predicted, labels, target),
    ra: robustAccuracy(predicted, labels),
  };
}
