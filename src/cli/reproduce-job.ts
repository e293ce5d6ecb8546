import { join } from 'node:path';
import { runJob, type Job, type JobHooks } from '../lab/index.ts';
import { experimentPart, type ExperimentPart } from '../report/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { put } from './outputs.ts';
import { previewFiles } from './preview-files.ts';

/** Test samples in the preview. */
const PREVIEWED = 10;

/** Runs a job of `reproduce`, and writes a preview of the trigger. Returns its part of the record. */
export async function reproduceJob(
  runtime: Runtime,
  job: Job,
  hooks: JobHooks,
): Promise<ExperimentPart> {
  const result = await runJob(runtime, job, hooks);
  const { test } = result.data;
  // For scenes there is no preview, because the trigger is on objects.
  if (!test.objects) {
    const { files } = await previewFiles(test, result.task.trigger, PREVIEWED);
    for (const [file, bytes] of files) await put(join(job.folder, 'preview', file), bytes, true);
  }
  return experimentPart(result);
}
