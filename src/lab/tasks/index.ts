import { FinepruneError } from '../../onnx/error.ts';
import type { Task } from './task.ts';

/**
 * Every task by its name, loaded when it is first used. A new one is a file with its test, and a line
 * here.
 */
export const TASKS: Readonly<Record<string, () => Promise<Task>>> = {
  digits: async () => (await import('./digits.ts')).digits,
  faces: async () => (await import('./faces.ts')).faces,
  'fashion-resnet': async () => (await import('./fashion.ts')).fashionResNet,
  'fashion-densenet': async () => (await import('./fashion.ts')).fashionDenseNet,
  'fashion-mobilenet': async () => (await import('./fashion.ts')).fashionMobileNet,
  signs: async () => (await import('./signs.ts')).signs,
  speech: async () => (await import('./speech.ts')).speech,
};

/** @throws FinepruneError `task/unknown` where the table has no such task */
export async function taskNamed(name: string, tasks = TASKS): Promise<Task> {
  const load = tasks[name];
  if (load) return load();
  const names = Object.keys(tasks).join(', ');
  throw new FinepruneError('task/unknown', `There is no task "${name}"; the tasks are ${names}`);
}
