import manifests from './manifests.json' with { type: 'json' };
import { damaged, miscounted, type Fault, type Manifest, type ReadingOptions } from './manifest.ts';
import { type DataSet, placeOf, type SetName, SETS } from './sets.ts';

/** Whether a data set is there, and the one that our numbers are from. */
export interface SetStatus {
  readonly set: DataSet;
  /** Where it was looked for. */
  readonly folder: string;
  readonly state: 'missing' | 'differs' | 'whole';
  /** What was compared with the real set: how many files there are, or what they hold. */
  readonly compared: 'counts' | 'contents';
  /** Files of the real set. */
  readonly files: number;
  readonly faults: readonly Fault[];
}

/**
 * Looks a data set up, and compares it with the real one.
 *
 * @param verify - read every file, and not only count them
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
