import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../onnx/write.ts';
import type { Runtime } from '../../runtime/index.ts';
import { taskNamed } from '../tasks/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import { triggerJson } from '../triggers/file.ts';
import { attachedFiles } from '../triggers/trigger.ts';
import { runExperiment, type ExperimentResult } from './experiment.ts';
import { readNetworks, writeNetwork } from './saved-networks.ts';

/** Networks of one seed to train and defend. Plain data, so that another process can do it. */
export interface Job {
  /** The name of the task. */
  readonly task: string;
  readonly seed: number;
  readonly source: TaskData['source'];
  readonly attacks: readonly string[];
  readonly compare: boolean;
  readonly quick: boolean;
  /** Networks that are read from the folder where they are there, trained on the same data. */
  readonly reuse: readonly string[];
  /** The folder for the files of this seed. */
  readonly folder: string;
}

export interface JobHooks {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
  /** Called with every network that is trained and written, or was read. */
  readonly onTrained?: ((attack: string, reused: boolean) => void) | undefined;
}

/** Trains and defends the networks of a job. Writes the networks and the trigger into its folder. */
export async function runJob(
  runtime: Runtime,
  job: Job,
  { signal, onProgress, onTrained }: JobHooks = {},
): Promise<ExperimentResult> {
  const { seed, source, attacks, compare, quick, folder } = job;
  const task = await taskNamed(job.task);
  await writeTrigger(folder, task);
  const trainedWith = { seed, source, quick };
  const trained = await readNetworks(folder, job.reuse, trainedWith);
  for (const { attack } of trained) onTrained?.(attack, true);
  return runExperiment(runtime, task, {
    seed,
    source,
    attacks,
    compare,
    quick,
    signal,
    onProgress,
    trained,
    async onTrained(network) {
      await writeNetwork(folder, network, trainedWith);
      onTrained?.(network.attack, false);
    },
  });
}

async function writeTrigger(folder: string, { trigger, target }: Task): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = triggerJson({ trigger, target });
  await writeFileAtomic(join(folder, 'trigger.json'), json, { force: true });
  for (const { name, bytes } of attachedFiles(trigger)) {
    await writeFileAtomic(join(folder, name), bytes, { force: true });
  }
}
