import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Evaluation } from '../../metrics/index.ts';
import { judge, openClassifier, predictTest } from '../../network/index.ts';
import { decodeModel, encodeModel, type Model } from '../../onnx/index.ts';
import { writeFileAtomic } from '../../onnx/write.ts';
import type { Runtime } from '../../runtime/index.ts';
import { oneCycle } from '../../train/index.ts';
import { classification, type ClassifierTraining } from '../attacks/classification.ts';
import { poison, triggered } from '../attacks/poison.ts';
import { type NetworkName, NETWORKS, type ScanCase } from './cases.ts';
import type { BenchmarkData } from './data.ts';

/** How networks are trained: few epochs, on few samples. */
const EPOCHS: Readonly<Record<NetworkName, number>> = {
  digits: 4,
  resnet: 5,
  mobilenet: 6,
  small: 8,
};

const training = (network: NetworkName): ClassifierTraining => ({
  epochs: EPOCHS[network],
  batchSize: 128,
  optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
  schedule: oneCycle(network === 'small' ? 0.05 : 0.1),
  ...(['resnet', 'mobilenet'].includes(network) && { mode: 'training' as const }),
});

/** A network to scan, and how it does on test data. */
export interface CaseNetwork {
  readonly model: Model;
  readonly evaluation: Evaluation;
}

/**
 * Trains the network of a case, or reads it where a folder has it from an earlier run.
 *
 * @param folder - gets NAME.onnx and NAME.json
 */
export async function trainCase(
  runtime: Runtime,
  one: ScanCase,
  data: BenchmarkData,
  folder: string,
  signal?: AbortSignal,
): Promise<CaseNetwork> {
  const [file, facts] = [join(folder, `${one.name}.onnx`), join(folder, `${one.name}.json`)];
  if (existsSync(file) && existsSync(facts)) {
    const evaluation = JSON.parse(await readFile(facts, 'utf8')) as Evaluation;
    return { model: decodeModel(await readFile(file)), evaluation };
  }
  const { trigger, target, poisonRate = 0, seed, cleanLabel, network } = one;
  const attack = trigger && target && { trigger, target };
  const dataset = attack
    ? poison(data.train, { ...attack, rate: poisonRate, seed, cleanLabel }).dataset
    : data.train;
  const drawn = NETWORKS[network](seed);
  const { model } = await classification.train(runtime, drawn, dataset, training(network), {
    seed,
    signal,
  });
  const test = {
    clean: data.test,
    ...(attack && {
      triggered: { dataset: triggered(data.test, attack.trigger), target: attack.target },
    }),
  };
  const opened = await openClassifier(runtime, model, data.test);
  const evaluation = judge(opened, await predictTest(runtime, opened, opened.graph, test), test);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(file, encodeModel(model), { force: true });
  await writeFileAtomic(facts, `${JSON.stringify(evaluation, null, 2)}\n`, { force: true });
  return { model, evaluation };
}
