/**
 * fineprune: finds and removes backdoors in ONNX networks that somebody else trained.
 *
 * ```ts
 * import { load, openData, repair, scan } from 'fineprune';
 *
 * const model = await load('model.onnx');
 * const { validation } = await openData('clean/', { for: model });
 * console.log((await scan(model, validation)).verdict);
 * const result = await repair(model, validation);
 * console.log(result.verdict.text, result.pruned);
 * await result.save('repaired.onnx');
 * await result.saveReport('out');
 * ```
 */
import type { Slim } from './channels/index.ts';
import { checkLabeled, type Dataset } from './data/index.ts';
import {
  inspect as inspectFile,
  type Inspection,
  prunedUnits,
  type PrunedUnits,
  repair as repairNetwork,
  repairedFile,
  type Scan,
  scanNetwork,
  type ScanOptions as ScanSettings,
  type RepairOptions as Settings,
  type RepairScan,
  type Step,
  type Verdict,
} from './defense/index.ts';
import type { CleanScore, Evaluation } from './metrics/index.ts';
import {
  type ClassifierOptions,
  judge,
  type NetworkOptions,
  openNetwork,
  predictTest,
  type TestData,
} from './network/index.ts';
import { type OnnxFile, readModel } from './onnx/file.ts';
import { nodeRuntime, type Runtime } from './runtime/index.ts';

/** The ONNX Runtime to use; by default the native one where it is installed, else WebAssembly. */
interface RuntimeOption {
  readonly runtime?: Runtime | undefined;
}

export interface RepairOptions extends Settings, RuntimeOption {}
export interface InspectOptions extends ClassifierOptions, RuntimeOption {}
export interface ScanOptions extends ScanSettings, NetworkOptions, RuntimeOption {}
export interface EvaluateOptions extends NetworkOptions, RuntimeOption {}

/** A scan, and its report. */
export interface ScanResult extends Scan {
  /**
   * Writes report.html, report.json and scan.sarif into a folder.
   *
   * @throws FileExistsError where one is there already and `force` is not set
   */
  saveReport(folder: string, options?: { readonly force?: boolean | undefined }): Promise<void>;
}

export interface RepairResult {
  readonly verdict: Verdict;
  /** What scans found before and after. */
  readonly scan: RepairScan | undefined;
  /** On the test data that were given, before and after; undefined without any. */
  readonly before: Evaluation | undefined;
  readonly after: Evaluation | undefined;
  /** Accuracy before and after on the part of the clean data that was not trained on. */
  readonly holdout: { readonly before: CleanScore; readonly after: CleanScore };
  /** The units that were pruned, by site. */
  readonly pruned: readonly PrunedUnits[];
  /** What was done, one after another. */
  readonly steps: readonly Step[];
  /** The file: the same as was given, with some weights changed. */
  readonly bytes: Uint8Array;
  /**
   * Writes the file, whole or not at all, and beside it the external data that it still reads.
   *
   * @throws FileExistsError where a file is there already and `force` is not set
   */
  save(path: string, options?: { readonly force?: boolean | undefined }): Promise<void>;
  /**
   * Writes report.html and report.json into a folder.
   *
   * @throws FileExistsError where one is there already and `force` is not set
   */
  saveReport(folder: string, options?: { readonly force?: boolean | undefined }): Promise<void>;
  /** The network with the pruned units removed for real: smaller and faster, the same outputs. */
  slim(): Promise<Slim>;
}

/**
 * Reads an ONNX file and checks it.
 *
 * @throws OnnxError that names what is wrong with the file, and where
 */
export function load(path: string): Promise<OnnxFile> {
  return readModel(path);
}

/**
 * What a model is, and where it can be pruned. It takes no data.
 *
 * @throws NetworkError where nothing can be worked on
 */
export async function inspect(model: OnnxFile, options: InspectOptions = {}): Promise<Inspection> {
  const { runtime = await nodeRuntime(), ...rest } = options;
  return inspectFile(runtime, model, rest);
}

/**
 * How a network does: clean accuracy and, with triggered data, attack success and robust accuracy.
 *
 * @param data - clean data, or clean and triggered ones
 * @throws NetworkError where the model does not fit the data; DataError 'data/unlabeled' where the data
 *   have no labels
 */
export async function evaluate(
  model: OnnxFile,
  data: Dataset | TestData,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { runtime = await nodeRuntime(), ...rest } = options;
  const test = 'clean' in data ? data : { clean: data };
  checkLabeled(test.clean);
  const network = await openNetwork(runtime, model.model, test.clean, rest);
  return judge(network, await predictTest(runtime, network, network.graph, test), test);
}

/**
 * Looks for a backdoor with clean data only: which class is suspect, and what trigger makes the network
 * say it. See `Scan` for what it gives.
 *
 * @param clean - some hundred or thousand samples; their labels are not used
 * @throws DefenseError 'defense/scan' for a detector, a class that the model does not have, or too few
 *   samples; NetworkError where the model does not fit the data; AutodiffError where no gradient passes
 *   from the scores to the input
 */
export async function scan(
  model: OnnxFile,
  clean: Dataset,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const { runtime = await nodeRuntime(), output, scenes, ...settings } = options;
  const network = await openNetwork(runtime, model.model, clean, { output, scenes });
  const found = await scanNetwork(runtime, network, clean, settings);
  return {
    ...found,
    async saveReport(folder, { force = false } = {}) {
      const { saveScan, scanRecordOf } = await import('./report/index.ts');
      const record = await scanRecordOf(found, {
        command: 'scan()',
        runtime,
        input: { path: model.path ?? model.model.graph.name, sha256: model.sha256 },
        data: clean,
      });
      await saveScan(folder, record, { force });
    },
  };
}

/**
 * Removes a backdoor with clean data only; by default with fine-pruning (Liu, Dolan-Gavitt, Garg, RAID
 * 2018). It scans before and after, unless `scan` is false. The model that was given is not changed.
 *
 * @param model - as `load` gives it
 * @param clean - some hundred or thousand samples that the network was not trained on
 * @throws DefenseError, NetworkError, ChannelsError where the model, the data or a setting do not fit
 */
export async function repair(
  model: OnnxFile,
  clean: Dataset,
  options: RepairOptions = {},
): Promise<RepairResult> {
  const { runtime = await nodeRuntime(), ...settings } = options;
  const started = performance.now();
  const made = await repairNetwork(runtime, model.model, clean, {
    ...settings,
    scan: settings.scan ?? true,
  });
  const seconds = (performance.now() - started) / 1000;
  const file = repairedFile(model, made);
  const [first, last] = [made.outcomes[0], made.outcomes.at(-1)];
  return {
    verdict: made.verdict,
    scan: made.scan,
    before: first?.evaluation,
    after: last?.evaluation,
    holdout: made.holdout,
    pruned: prunedUnits(made),
    steps: last?.steps ?? [],
    bytes: file.bytes,
    save: (path, how) => file.save(path, how),
    async saveReport(folder, { force = false } = {}) {
      // Charts are loaded only by those who want a report.
      const { recordOf, saveReport } = await import('./report/index.ts');
      const record = await recordOf(made, {
        command: 'repair()',
        runtime,
        input: {
          path: model.path ?? model.model.graph.name,
          sha256: model.sha256,
          data: model.data,
        },
        output: { path: 'repaired.onnx', sha256: file.sha256 },
        source: 'real',
        seconds,
      });
      await saveReport(folder, record, { force });
    },
    slim: () => file.slim(runtime, settings.output),
  };
}

export { ChannelsError, type Slim } from './channels/index.ts';
export { arrayDataset, DataError, type Dataset, split, take } from './data/index.ts';
export {
  type Defense,
  type DefenseContext,
  DefenseError,
  DEFENSES,
  type Inspection,
  inSequence,
  type PrunedUnits,
  type Repaired,
  type RepairScan,
  type Scan,
  type Step,
  type Suspect,
  type Verdict,
} from './defense/index.ts';
export type { CleanScore, Evaluation, Rate, Target } from './metrics/index.ts';
export { NetworkError, openData, type TestData } from './network/index.ts';
export { FinepruneError, OnnxError } from './onnx/index.ts';
export type { OnnxFile } from './onnx/file.ts';
export { FileExistsError } from './onnx/write.ts';
export { nodeRuntime, type Runtime, RuntimeError, type RuntimeOptions } from './runtime/index.ts';
export { TrainError } from './train/index.ts';
export { VERSION } from './version.ts';
