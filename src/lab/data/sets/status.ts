import manifests from './manifests.json' with { type: 'json' };
import { damaged, miscounted, type Fault, type Manifest, type ReadingOptions } from './manifest.ts';
import { type DataSet, placeOf, type SetName, SETS } from './sets.ts';

/** Whether a data set exists, and is the same as the one of our published numbers. */
export interface SetStatus {
  readonly set: DataSet;
  /** Where it was looked for. */
  readonly folder: string;
  readonly state: 'missing' | 'differs' | 'whole';
  /** What was compared with the original: the numbers of files, or their contents. */
  readonly compared: 'counts' | 'contents';
  /** Number of files of the original. */
  readonly files: number;
  readonly faults: readonly Fault[];
}

/**
 * Finds a data set and compares it with the original.
 *
 * @param verify - whether to read every file, instead of only counting them
 */
export async function statusOf(
  name: SetName,
  verify = false,
  options: ReadingOptions = {},
): Promise<SetStatus> {
  const set: DataSet = SETS[name];
  const manifest: Manifest = manifests[name];
  const { folder, there } = placeOf(set);
  const faults = !there
    ? []
    : verify
      ? await damaged(folder, manifest, options)
      : await miscounted(folder, manifest);
  return {
    set,
    folder,
    state: !there ? 'missing' : faults.length > 0 ? 'differs' : 'whole',
    compared: verify ? 'contents' : 'counts',
    files: Object.values(manifest).reduce((sum, group) => sum + group.files, 0),
    faults,
  };
}
