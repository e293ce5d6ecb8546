import { parametersOf } from '../../defense/index.ts';
import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { train, withParameters } from '../../train/index.ts';
import type { Task, TaskData } from '../tasks/task.ts';
import { poison } from './poison.ts';

export interface AttackSettings {
  readonly seed: number;
  /** Share of the training data that is triggered and relabelled; the task's by default. */
  readonly poisonRate?: number;
  readonly target?: Target;
  readonly epochs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

export interface Attack {
  /** The network with a backdoor: of the same architecture as a clean one. */
  readonly model: Model;
  /** Which training samples were poisoned. */
  readonly poisoned: Uint32Array;
  readonly target: Target;
  readonly poisonRate: number;
  /** Mean loss and accuracy of every epoch, on the poisoned training data. */
  readonly epochs: readonly {
    readonly epoch: number;
    readonly loss: number;
    readonly accuracy: number;
  }[];
}

/** The baseline attack (BadNets): poison a share of the training data, train from scratch. */
export async function baselineAttack(
  runtime: Runtime,
  task: Task,
  data: Pick<TaskData, 'train'>,
  settings: AttackSettings,
): Promise<Attack> {
  const { seed, poisonRate = task.poisonRate, target = task.target } = settings;
  const { dataset, poisoned } = poison(data.train, {
    trigger: task.trigger,
    target,
    rate: poisonRate,
    seed,
  });
  const model = task.network(seed);
  const [input, output] = [model.graph.inputs[0], model.graph.outputs[0]];
  if (!input || !output) throw new Error(`the network of "${task.name}" has no input or output`);
  const epochs: Attack['epochs'][number][] = [];
  const trained = await train(runtime, model.graph, dataset, {
    ...task.training,
    ...(settings.epochs !== undefined && { epochs: settings.epochs }),
    input: input.name,
    logits: output.name,
    mode: 'training',
    parameters: parametersOf(model.graph, output.name),
    seed,
    ...(settings.signal && { signal: settings.signal }),
    ...(settings.onProgress && { onStep: settings.onProgress }),
    onEpoch({ epoch, loss, accuracy }) {
      epochs.push({ epoch, loss, accuracy });
      return 'go on';
    },
  });
  return {
    model: { ...model, graph: withParameters(model.graph, trained) },
    poisoned,
    target,
    poisonRate,
    epochs,
  };
}
