import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import type { Retraining } from './pruning-aware.ts';

/** What an attack may use. */
export interface AttackContext {
  readonly runtime: Runtime;
  readonly task: Task;
  readonly data: TaskData;
  readonly seed: number;
  /** The network trained on clean data, for attacks that start from it. */
  readonly clean: Model | undefined;
  readonly signal: AbortSignal | undefined;
  readonly progress: (stage: string, done: number, all: number) => void;
}

/** A network with a backdoor, and how it was made. */
export interface Attacked {
  readonly model: Model;
  /** Units that were put back to be pruned in place of the backdoor. */
  readonly decoys?: readonly number[] | undefined;
  /** Of the pruning-aware attack. */
  readonly retrainings?: readonly Retraining[] | undefined;
  /** Whether the last retraining reached what was asked. */
  readonly reached?: boolean | undefined;
}

/**
 * An attack: one object in one file, listed in one table (`index.ts`). Nothing else in the project names
 * it. Its settings are those of the task.
 */
export interface Attack {
  /** As on the command line: 'pruning-aware'. */
  readonly name: string;
  /** What it does, in one line. */
  readonly description: string;
  /** The paper, and its section. */
  readonly source: string;
  /** Whether the task has the settings of this attack. */
  fits(task: Task): boolean;
  /** Whether it starts from the network trained on clean data. */
  startsFromClean(task: Task): boolean;
  /** @throws AttackError where the task has no settings for it */
  run(context: AttackContext): Promise<Attacked>;
}
