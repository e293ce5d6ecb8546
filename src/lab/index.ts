/**
 * The attacker and the experiments, to test defenses on your own networks. Code that only defends never
 * loads this.
 */
export type { Attack, AttackContext, Attacked } from './attacks/attack.ts';
export {
  scanBenchmark,
  type ScanBenchmarkOptions,
  type ScanLine,
} from './scan-benchmark/benchmark.ts';
export { type ScanCase, scanCases } from './scan-benchmark/cases.ts';
export { scanBenchmarkTable, type ScanSummary, summaryOf } from './scan-benchmark/summary.ts';
export {
  type AttackResult,
  type AttackSettings,
  baseline,
  baselineAttack,
  type BaselineSettings,
  cleanNetwork,
} from './attacks/baseline.ts';
export { classification, type ClassifierTraining } from './attacks/classification.ts';
export { type Decoy, type DecoySettings, type Lowering, withDecoys } from './attacks/decoys.ts';
export { detection, type DetectorTraining } from './attacks/detection.ts';
export { AttackError, type AttackErrorCode } from './attacks/error.ts';
export { ATTACKS } from './attacks/index.ts';
export type {
  AttackEpoch,
  NetworkKind,
  OpenedModel,
  TrainedModel,
  TrainingRun,
} from './attacks/network-kind.ts';
export { attackedScenes, poisonScenes, triggeredScenes } from './attacks/poison-scenes.ts';
export {
  poison,
  type Poisoned,
  PoisonError,
  type PoisonOptions,
  triggered,
} from './attacks/poison.ts';
export {
  pruningAware,
  pruningAwareAttack,
  type PruningAwareResult,
  type PruningAwareSettings,
  type Retraining,
} from './attacks/pruning-aware.ts';
export { triggeredByFile } from './attacks/triggered-file.ts';
export { drawnFaces, type DrawnFacesOptions } from './data/drawn-faces.ts';
export { drawnSigns, SIGNS } from './data/drawn-signs.ts';
export { fashionMnist } from './data/fashion-mnist.ts';
export { mnist } from './data/mnist.ts';
export { NAMED_SETS } from './data/named-sets.ts';
export { peopleSource } from './data/people.ts';
export type { Manifest } from './data/sets/manifest.ts';
export { type DataSet, type SetName, SETS } from './data/sets/sets.ts';
export { type SetStatus, statusOf } from './data/sets/status.ts';
export { syntheticSpeech, type SyntheticSpeech } from './data/spoken-synthetic.ts';
export { spokenDigits, type SpokenDigits } from './data/spoken.ts';
export { type AblatedUnit, ablateUnits } from './experiment/ablation.ts';
export {
  runInChild,
  serveWorker,
  threadsPerJob,
  type WorkerMessage,
  type WorkerTask,
} from './experiment/child-process.ts';
export {
  type ExperimentOptions,
  type ExperimentResult,
  runExperiment,
} from './experiment/experiment.ts';
export { type Job, type JobHooks, runJob } from './experiment/job.ts';
export {
  attacksOn,
  needsClean,
  type TrainingOptions,
  trainNetworks,
} from './experiment/networks.ts';
export type {
  ExperimentRun,
  NetworkRecord,
  RetrainingRecord,
  TrainedNetwork,
  UnitRecord,
} from './experiment/results.ts';
export {
  networkName,
  readNetworks,
  type TrainedWith,
  writeNetwork,
} from './experiment/saved-networks.ts';
export { jobsFor, runJobs } from './experiment/schedule.ts';
export { deepIdNetwork } from './networks/deepid.ts';
export { detectorNetwork } from './networks/detector.ts';
export { digitNetwork } from './networks/digits.ts';
export {
  averageAndClassify,
  batchNorm,
  conv,
  convNorm,
  type ConvSettings,
  finish,
  flatten,
  type Initialization,
  linear,
  network,
  type NetworkBuilder,
  pool,
  relu,
} from './networks/layers.ts';
export { smallNetwork } from './networks/small.ts';
export { digits } from './tasks/digits.ts';
export { faces, FACES_RECIPE, facesDataset } from './tasks/faces.ts';
export { fashionDenseNet, fashionMobileNet, fashionResNet } from './tasks/fashion.ts';
export { taskNamed, TASKS } from './tasks/index.ts';
export { signs } from './tasks/signs.ts';
export { speech } from './tasks/speech.ts';
export {
  fewerOf,
  type PaperTable,
  type PruningAwareOptions,
  sourceFor,
  type Task,
  type TaskData,
} from './tasks/task.ts';
export { blend, type BlendSettings } from './triggers/blend.ts';
export { TriggerError, type TriggerErrorCode } from './triggers/error.ts';
export { readTrigger, type TriggerFile, triggerJson } from './triggers/file.ts';
export { jsonOf, parseTrigger } from './triggers/parse.ts';
export {
  badNetsPatch,
  checkerPatch,
  type Corner,
  patch,
  type PatchSettings,
  type Place,
  squarePatch,
} from './triggers/patch.ts';
export type { Picture } from './triggers/picture.ts';
export { type Preview, previewOf } from './triggers/preview.ts';
export { sinusoid, type SinusoidSettings } from './triggers/sinusoid.ts';
export { type Recording, sound, type SoundPattern, type SoundSettings } from './triggers/sound.ts';
export { sticker, type StickerSettings, yellowSquare } from './triggers/sticker.ts';
export { sunglasses } from './triggers/sunglasses.ts';
export { TRIGGERS } from './triggers/table.ts';
export {
  type AttachedFile,
  attachedFiles,
  fitsObjects,
  plainJson,
  type ReadAttached,
  type Stamp,
  stamper,
  type Trigger,
  type TriggerKind,
} from './triggers/trigger.ts';
export { warp, type WarpSettings } from './triggers/warp.ts';
