import { slim, type Slim } from '../channels/index.ts';
import { exportModel, insertedInFile } from '../network/index.ts';
import { decodeModel } from '../onnx/index.ts';
import { externalDataReader } from '../onnx/external.ts';
import { type OnnxFile, sha256Of } from '../onnx/file.ts';
import { saveModel } from '../onnx/save.ts';
import type { Runtime } from '../runtime/index.ts';
import { VERSION } from '../version.ts';
import type { Repair } from './repair.ts';
import { prunedIn, type PrunedUnits } from './steps.ts';

/** The file of a repaired network: that of the given one, with its edits and where it came from. */
export interface RepairedFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /**
   * Writes the file, whole or not at all, and beside it the external data that it still reads.
   *
   * @param options - `force` overwrites what is there already
   * @throws FileExistsError, FileWriteError
   */
  save(path: string, options?: { readonly force?: boolean | undefined }): Promise<void>;
  /**
   * The network without its pruned units: smaller and faster, the same outputs.
   *
   * @param output - the output that has the scores, where one was named
   */
  slim(runtime: Runtime, output?: string): Promise<Slim>;
}

/** The file that a repair comes to. */
export function repairedFile(file: OnnxFile, repair: Repair): RepairedFile {
  const last = repair.outcomes.at(-1);
  if (!last) throw new Error('a repair without an outcome');
  const bytes = exportModel(file, last.network.graph, last.edits, provenanceOf(file, repair));
  return {
    bytes,
    sha256: sha256Of(bytes),
    save: (path, { force = false } = {}) => saveModel(path, bytes, { force, from: file.path }),
    slim(runtime, output) {
      const { path } = file;
      const external = path === undefined ? undefined : externalDataReader(path);
      const model = decodeModel(bytes, { name: path, external });
      const masks = insertedInFile(file.model.graph, last.edits);
      const sites = prunedUnits(repair).map(({ site: name, axis, of: units, units: pruned }) => ({
        site: { name, axis, units },
        pruned,
      }));
      return slim(runtime, model, sites, repair.clean.all, { output, masks });
    },
  };
}

/** What the metadata of a repaired file say of its making. */
function provenanceOf({ sha256 }: OnnxFile, { method, seed }: Repair): Record<string, string> {
  return {
    'fineprune.version': VERSION,
    'fineprune.method': method,
    'fineprune.seed': String(seed),
    'fineprune.input.sha256': sha256,
  };
}

/** The units that are pruned in the repaired network, by site. */
export function prunedUnits({ outcomes }: Pick<Repair, 'outcomes'>): PrunedUnits[] {
  return prunedIn(outcomes.at(-1)?.steps ?? []);
}
