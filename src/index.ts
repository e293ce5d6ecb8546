/**
 * fineprune: finds and removes backdoors in ONNX classifiers.
 *
 * ```ts
 * import { finePrune, loadModel, mnist, split } from 'fineprune';
 *
 * const model = await loadModel('backdoored.onnx');
 * const { train, test } = await mnist();
 * const { validation } = split(train, { validation: 10_000, rest: 50_000 }, 0);
 * const repaired = await finePrune(model, validation, { test: { clean: test } });
 * console.log(repaired.defense.prunings[0].pruned, repaired.defense.outcomes.at(-1)?.evaluation);
 * await repaired.save('repaired.onnx');
 * ```
 */
import { defend, type DefendSettings, type Defense } from './defense/index.ts';
import { exportModel, type TestData } from './network/index.ts';
import type { Dataset } from './data/index.ts';
import { type OnnxFile, readModel } from './onnx/file.ts';
import { saveModel } from './onnx/save.ts';
import { nodeRuntime, type Runtime } from './runtime/index.ts';

export interface FinePruneOptions extends DefendSettings {
  /** Reported, never used to choose anything. */
  readonly test?: TestData | undefined;
  /** ONNX Runtime to use; the native one where it is installed, else wasm. */
  readonly runtime?: Runtime | undefined;
}

export interface Repaired {
  readonly defense: Defense;
  /** The model's file with the weights of the repaired network; all else as it was. */
  readonly bytes: Uint8Array;
  /**
   * Writes the file, whole or not at all, and beside it the external data that it still reads; what is
   * there already only with `force`.
   */
  save(path: string, options?: { readonly force?: boolean | undefined }): Promise<void>;
}

/**
 * Reads an ONNX file and checks it.
 *
 * @throws OnnxError that names what is wrong with the file, and where
 */
export function loadModel(path: string): Promise<OnnxFile> {
  return readModel(path);
}

/**
 * Removes a backdoor by fine-pruning (Liu, Dolan-Gavitt, Garg, RAID 2018); see `defend` for the
 * steps and the errors.
 *
 * @param model - as `loadModel` gives it
 * @param validation - a small clean data set that the network was not trained on
 */
export async function finePrune(
  model: OnnxFile,
  validation: Dataset,
  options: FinePruneOptions = {},
): Promise<Repaired> {
  const { test, runtime = await nodeRuntime(), ...settings } = options;
  const defense = await defend(runtime, model.model, validation, test, settings);
  const last = defense.outcomes.at(-1);
  if (!last) throw new Error('a defense without an outcome');
  const bytes = exportModel(model, last.graph, {
    'fineprune.method': last.method,
    'fineprune.seed': String(defense.seed),
    'fineprune.input.sha256': model.sha256,
  });
  return {
    defense,
    bytes,
    save: (path, { force = false } = {}) => saveModel(path, bytes, { force, from: model.path }),
  };
}

export * from './data/index.ts';
export * from './defense/index.ts';
export * from './metrics/index.ts';
export { FinepruneError, OnnxError } from './onnx/index.ts';
export type { Graph, Model, Tensor } from './onnx/index.ts';
export type { OnnxFile } from './onnx/file.ts';
export { nodeRuntime, type Runtime, type RuntimeOptions, RuntimeFault } from './runtime/index.ts';
export { VERSION } from './report/version.ts';
