import type { Dataset } from '../data/index.ts';
import type { Evaluation, Target } from '../metrics/index.ts';
import type { Graph } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Answers, AttackScore, Network } from './network.ts';

/** Data on which a network is evaluated: clean, and triggered if the trigger is known. */
export interface TestData {
  readonly clean: Dataset;
  /** Samples with the trigger and their true labels. */
  readonly triggered?: { readonly dataset: Dataset; readonly target: Target } | undefined;
}

/** The predictions for test data. */
export interface Predictions {
  readonly clean: Answers;
  readonly triggered?: Answers | undefined;
}

export async function predictTest(
  runtime: Runtime,
  network: Network,
  graph: Graph,
  test: TestData,
): Promise<Predictions> {
  const clean = await network.predict(runtime, graph, test.clean);
  if (!test.triggered) return { clean };
  return { clean, triggered: await network.predict(runtime, graph, test.triggered.dataset) };
}

/** Computes accuracy, attack success and robust accuracy from predictions. */
export function judge(
  network: Network,
  { clean, triggered }: Predictions,
  test: TestData,
): Evaluation {
  return {
    acc: network.score(clean, test.clean),
    ...(triggered && scoreTriggered(network, triggered, test)),
  };
}

/** Computes attack success and robust accuracy from predictions for triggered test data. */
export function scoreTriggered(
  network: Network,
  answers: Answers,
  { triggered }: TestData,
): Partial<AttackScore> {
  return triggered ? network.scoreAttack(answers, triggered.dataset, triggered.target) : {};
}
