import type { Dataset } from '../data/index.ts';
import type { Evaluation, Target } from '../metrics/index.ts';
import type { Graph } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Answers, AttackScore, Network } from './network.ts';

/** Data on which a network is judged: clean, and triggered where that is known. */
export interface TestData {
  readonly clean: Dataset;
  /** Samples that carry the trigger, labeled with what they truly are. */
  readonly triggered?: { readonly dataset: Dataset; readonly target: Target } | undefined;
}

/** What a graph says of test data. */
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

/** Accuracy, attack success and robust accuracy out of predictions. */
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

/** Attack success and robust accuracy out of what a network says of triggered test data. */
export function scoreTriggered(
  network: Network,
  answers: Answers,
  { triggered }: TestData,
): Partial<AttackScore> {
  return triggered ? network.scoreAttack(answers, triggered.dataset, triggered.target) : {};
}
