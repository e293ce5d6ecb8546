/**
 * The attacker and the experiments, to test defenses on your own networks. Code that only defends never
 * loads this.
 */
export * from './attacks/attack.ts';
export * from './attacks/baseline.ts';
export * from './attacks/classification.ts';
export * from './attacks/decoys.ts';
export * from './attacks/detection.ts';
export * from './attacks/error.ts';
export * from './attacks/index.ts';
export * from './attacks/network-kind.ts';
export * from './attacks/poison-scenes.ts';
export * from './attacks/poison.ts';
export * from './attacks/pruning-aware.ts';
export * from './attacks/triggered-file.ts';
export * from './experiment/ablation.ts';
export * from './experiment/child-process.ts';
export * from './experiment/experiment.ts';
export * from './experiment/job.ts';
export * from './experiment/networks.ts';
export * from './experiment/results.ts';
export * from './experiment/saved-networks.ts';
export { jobsFor, runJobs } from './experiment/schedule.ts';
export * from './networks/deepid.ts';
export * from './networks/detector.ts';
export * from './networks/digits.ts';
export * from './networks/layers.ts';
export * from './networks/small.ts';
export * from './tasks/digits.ts';
export * from './tasks/faces.ts';
export * from './tasks/fashion.ts';
export * from './tasks/index.ts';
export * from './tasks/signs.ts';
export * from './tasks/speech.ts';
export * from './tasks/task.ts';
export * from './triggers/blend.ts';
export * from './triggers/error.ts';
export * from './triggers/file.ts';
export * from './triggers/patch.ts';
export * from './triggers/picture.ts';
export * from './triggers/preview.ts';
export * from './triggers/sinusoid.ts';
export * from './triggers/sound.ts';
export * from './triggers/sticker.ts';
export * from './triggers/sunglasses.ts';
export * from './triggers/parse.ts';
export * from './triggers/table.ts';
export * from './triggers/trigger.ts';
export * from './triggers/warp.ts';
export * from './data/drawn-faces.ts';
export { drawnSigns, SIGNS } from './data/drawn-signs.ts';
export { fashionMnist } from './data/fashion-mnist.ts';
export { mnist } from './data/mnist.ts';
export { NAMED_SETS } from './data/named-sets.ts';
export { peopleSource } from './data/people.ts';
export type { Fault, FileGroup, Manifest, ReadingOptions } from './data/sets/manifest.ts';
export {
  type DataSet,
  FOLDER_VARIABLE,
  folderOf,
  missingMessage,
  placeOf,
  type SetName,
  SETS,
} from './data/sets/sets.ts';
export * from './data/sets/status.ts';
export * from './data/spoken.ts';
export * from './data/spoken-synthetic.ts';
