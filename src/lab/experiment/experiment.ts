import { repair, type Outcome } from '../../defense/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { NO_ATTACK } from '../attacks/index.ts';
import { fewerOf, type Task, type TaskData } from '../tasks/task.ts';
import { attacksOn, trainNetworks, type TrainingOptions } from './networks.ts';
import {
  withAttack,
  type ExperimentRun,
  type NetworkRecord,
  type TrainedNetwork,
} from './results.ts';
import { networkRecord, type AttackTest } from './units.ts';

export interface ExperimentOptions extends Omit<TrainingOptions, 'attacks'> {
  /** Which data to take; 'real' by default. */
  readonly source?: TaskData['source'] | undefined;
  /** Networks to train; by default the clean one and one for every attack that the task has. */
  readonly attacks?: readonly string[] | undefined;
  /** Run every defense, or, in half the time, only fine-pruning; default true. */
  readonly compare?: boolean | undefined;
  /** Run on a twentieth of the data, to check that everything runs; its results mean nothing. */
  readonly quick?: boolean | undefined;
}

export interface ExperimentResult {
  readonly task: Task;
  readonly runs: readonly ExperimentRun[];
  readonly networks: readonly NetworkRecord[];
  readonly trained: readonly TrainedNetwork[];
  /** The data of training, defenses and tests. */
  readonly data: TaskData;
  readonly test: AttackTest;
  /** By attack: the network after each defense, 'none' first, with its predictions on test data. */
  readonly outcomes: ReadonlyMap<string, readonly Outcome[]>;
}

/** Test samples on which units are ablated, by default. */
const ABLATION_SAMPLES = 1000;

/**
 * The experiment of the paper on one task with one seed: networks, each with every defense. All defenses
 * have the settings of the task. Test data choose nothing.
 *
 * @throws AttackError where the task has no settings for an attack
 */
export async function runExperiment(
  runtime: Runtime,
  task: Task,
  options: ExperimentOptions,
): Promise<ExperimentResult> {
  const { seed, signal, quick = false, compare = true } = options;
  const loaded = await task.load(seed, options.source);
  const data = quick ? fewerOf(loaded, seed) : loaded;

  const attacks = options.attacks ?? (await attacksOn(task, options.table));
  const training = { ...options, attacks };
  const { networks: trained, clean } = await trainNetworks(runtime, task, data, training);

  const { target } = task;
  const dataset = await task.kind.triggeredTest(runtime, data.test, task, clean?.model);
  const test: AttackTest = { clean: data.test, triggered: { dataset, target } };

  const runs: ExperimentRun[] = [];
  const networks: NetworkRecord[] = [];
  const outcomes = new Map<string, readonly Outcome[]>();
  for (const network of trained) {
    const { attack } = network;
    const name = attack === NO_ATTACK ? 'clean' : attack;
    const repaired = await repair(runtime, network.model, data.validation, {
      ...task.defense,
      site: task.site,
      compare,
      fullCurve: true,
      test,
      seed,
      signal,
      onProgress: (stage, done, all) =>
        options.onProgress?.(`${name} network: ${stage}`, done, all),
    });
    outcomes.set(attack, repaired.outcomes);
    for (const { method, evaluation, steps } of repaired.outcomes) {
      runs.push({
        task: task.name,
        source: data.source,
        attack,
        defense: method,
        seed,
        ...withAttack(evaluation),
        seconds:
          method === 'none' ? network.seconds : steps.reduce((sum, step) => sum + step.seconds, 0),
      });
    }
    const samples = task.ablationSamples ?? ABLATION_SAMPLES;
    networks.push(await networkRecord(runtime, network, repaired, test, { seed, samples, signal }));
  }
  return { task, runs, networks, trained, data, test, outcomes };
}
