import { join } from 'node:path';
import type { AttackName, DetectionTask, Task, TaskData } from '../lab/index.ts';
import type { ReproduceRecord } from '../report/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { put } from './outputs.ts';
import { previewFiles } from './preview-files.ts';
import { readNetworks, writeNetwork } from './trained-networks.ts';

/** Names of `tasks` in the lab, which is not loaded to show help. */
export const TASKS = [
  'digits',
  'faces',
  'fashion-resnet',
  'fashion-densenet',
  'fashion-mobilenet',
  'signs',
  'speech',
] as const;

export const ATTACKS = ['none', 'baseline', 'pruning-aware'] as const;

export type TaskName = (typeof TASKS)[number];

/** Networks of one seed, to be trained and defended: plain data, so that another thread can do it. */
export interface Job {
  readonly task: TaskName;
  readonly seed: number;
  readonly source: TaskData['source'];
  readonly attacks: readonly AttackName[];
  readonly compare: boolean;
  readonly quick: boolean;
  /** Networks not to train again where they are in the folder, trained with the same. */
  readonly takeUp: readonly AttackName[];
  /** Where what is made of the seed goes. */
  readonly folder: string;
}

/** What came of it, plain as well. */
export type Made = Pick<ReproduceRecord, 'runs' | 'networks'>;

export interface JobWatch {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (stage: string, done: number, all: number) => void;
  /** Called with every network that is trained and written, or was before. */
  readonly onTrained?: ((attack: AttackName, before: boolean) => void) | undefined;
}

/** Test samples that are shown, or heard, without and with the trigger. */
const PREVIEWED = 10;

/** Trains and defends the networks of a job, and writes them with the trigger and some previews. */
export async function runJob(runtime: Runtime, job: Job, watch: JobWatch): Promise<Made> {
  const { attachedFiles, reproduce, triggerJson } = await import('../lab/index.ts');
  const { scenesOf } = await import('../report/index.ts');
  const { seed, source, attacks, compare, quick, folder } = job;
  const task = await taskNamed(job.task);
  await put(join(folder, 'trigger.json'), triggerJson(task), true);
  for (const { name, bytes } of attachedFiles(task.trigger)) {
    await put(join(folder, name), bytes, true);
  }
  const trainedWith = { seed, source, quick };
  const trained = await readNetworks(folder, job.takeUp, trainedWith);
  for (const { attack } of trained) watch.onTrained?.(attack, true);
  const made = await reproduce(runtime, task, {
    seed,
    source,
    attacks,
    compare,
    quick,
    signal: watch.signal,
    onProgress: watch.onProgress,
    trained,
    onTrained: async (network) => {
      await writeNetwork(folder, network, trainedWith);
      watch.onTrained?.(network.attack, false);
    },
  });
  // A sticker lies on objects: on a scene as a whole there is nothing to show.
  if (!('kind' in task)) {
    const { files } = await previewFiles(made.data.test, task.trigger, PREVIEWED);
    for (const [file, bytes] of files) await put(join(folder, 'preview', file), bytes, true);
  }
  const networks = await Promise.all(
    made.networks.map(async (network) => {
      const scenes = await scenesOf(made.outcomes[network.attack] ?? [], made.test);
      return { ...network, scenes };
    }),
  );
  return structuredClone({ runs: made.runs, networks }) as Made;
}

export async function taskNamed(name: TaskName): Promise<Task | DetectionTask> {
  const { detectionTasks, tasks } = await import('../lab/index.ts');
  return { ...tasks, ...detectionTasks }[name];
}
