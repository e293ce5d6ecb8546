import type { DetectionTask } from './detection-task.ts';
import { denseNet } from '../networks/densenet.ts';
import { mobileNet } from '../networks/mobilenet.ts';
import { resNet } from '../networks/resnet.ts';
import { digits } from './digits.ts';
import { faces } from './faces.ts';
import { fashion } from './fashion.ts';
import { signs } from './signs.ts';
import { speech } from './speech.ts';
import type { Task } from './task.ts';

/** Every task by its name. */
export const tasks = {
  digits,
  faces,
  'fashion-resnet': fashion('resnet', resNet),
  'fashion-densenet': fashion('densenet', denseNet),
  'fashion-mobilenet': fashion('mobilenet', mobileNet),
  speech,
} satisfies Record<string, Task>;

/** Those on detectors. */
export const detectionTasks = { signs } satisfies Record<string, DetectionTask>;
