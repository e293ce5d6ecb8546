import { digits } from './digits.ts';
import type { Task } from './task.ts';

/** Every task by its name. */
export const tasks = { digits } satisfies Record<string, Task>;
