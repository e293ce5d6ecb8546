import type { Dataset } from '../data/index.ts';
import {
  attackOnObjects,
  attackSuccess,
  robustAccuracy,
  type Evaluation,
  type Target,
} from '../metrics/index.ts';
import type { Graph } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { objectiveOf, type Classifier } from './classifier.ts';
import { labelsOf, scoreOf, type Answers } from './network.ts';

/** Data on which a network is judged: clean, and triggered where that is known. */
export interface TestData {
  readonly clean: Dataset;
  /** Samples that carry the trigger, labeled with what they truly are. */
  readonly triggered?: { readonly dataset: Dataset; readonly target: Target };
}

/** What a graph says of test data. */
export interface Predictions {
  readonly clean: Answers;
  readonly triggered?: Answers;
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
  answers: Answers,
  test: TestData,
): Partial<Evaluation> {
  if (part === 'clean') return { acc: scoreOf(answers, test.clean) };
  if (!test.triggered) return {};
  const { dataset, target } = test.triggered;
  const labels = labelsOf(dataset);
  const { called } = answers;
  // In a scene, only the objects that are attacked have the trigger.
  if (dataset.objects) return attackOnObjects(called, labels, target);
  return { asr: attackSuccess(called, labels, target), ra: robustAccuracy(called, labels) };
}
