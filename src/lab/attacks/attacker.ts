import { subset, type Dataset } from '../../data/index.ts';
import { detect, detectorOf } from '../../network/index.ts';
import { foundIn } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { DetectionTask } from '../tasks/detection-task.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import { baselineAttack } from './baseline.ts';
import { pruningAwareDetector, trainedDetector } from './detector.ts';
import { cleanNetwork, type TrainingRun } from './network.ts';
import { triggered } from './poison.ts';
import { attackedScenes, poisonScenes, triggeredScenes } from './poison-scenes.ts';
import {
  pruningAwareAttack,
  type AfterCleanSettings,
  type PruningAwareAttack,
} from './pruning-aware.ts';

type Training = (runtime: Runtime, data: TaskData, run: TrainingRun) => Promise<Model>;
type OnClean<T> = (
  runtime: Runtime,
  data: TaskData,
  run: TrainingRun & Pick<AfterCleanSettings, 'clean' | 'onStage'>,
) => Promise<T>;

/** What an attacker makes of the data of a task, whatever its networks are for. */
export interface Attacker {
  readonly clean: Training;
  /** Where it begins with the weights of the clean network, that is needed for it. */
  readonly baseline:
    | { readonly from: 'scratch'; readonly train: Training }
    | { readonly from: 'clean'; readonly train: OnClean<Model> };
  readonly pruningAware: OnClean<PruningAwareAttack>;
  /**
   * Test data with the trigger, labeled with what they truly are.
   *
   * @param clean - a network without a backdoor: what it does not know without the trigger is not
   *   counted where a task says so
   */
  triggered(runtime: Runtime, dataset: Dataset, clean?: Model): Promise<Dataset>;
}

/** The attacker of classifiers. */
export function onClassifier(task: Task): Attacker {
  return {
    clean: (runtime, { train }, run) => cleanNetwork(runtime, task, train, run),
    baseline: {
      from: 'scratch',
      train: async (runtime, data, run) => (await baselineAttack(runtime, task, data, run)).model,
    },
    pruningAware: (runtime, data, run) => pruningAwareAttack(runtime, task, data, run),
    triggered: async (_, dataset) => triggered(dataset, task.trigger),
  };
}

/** The attacker of detectors: only objects that the clean detector finds are counted. */
export function onDetector(task: DetectionTask): Attacker {
  const { trigger, target } = task;
  return {
    async clean(runtime, { train }, run) {
      const start = task.network(run.seed, train);
      return (await trainedDetector(runtime, start, train, task.training, run)).model;
    },
    baseline: {
      from: 'clean',
      async train(runtime, { train }, run) {
        const how = { trigger, target, rate: task.poisonRate, seed: run.seed };
        const { dataset } = poisonScenes(train, how);
        return (await trainedDetector(runtime, run.clean, dataset, task.poisoning, run)).model;
      },
    },
    pruningAware: (runtime, { train }, run) => pruningAwareDetector(runtime, task, train, run),
    async triggered(runtime, dataset, clean) {
      const stamped = triggeredScenes(dataset, trigger, target);
      if (!clean) return stamped;
      const unstamped = subset(dataset, attackedScenes(dataset, target));
      const found = await detect(runtime, detectorOf(clean).graph, unstamped);
      const objects = (stamped.objects ?? []).map((scene, index) => {
        const counts = foundIn({ objects: scene, detections: found[index] ?? [] });
        return scene.map((object, place) =>
          counts[place] === true ? object : { ...object, difficult: true },
        );
      });
      return { ...stamped, objects };
    },
  };
}
