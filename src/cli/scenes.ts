import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/index.ts';
import type { TestData } from '../network/index.ts';
import type { Model } from '../onnx/index.ts';
import { type CommandData, type DataOptions, said } from './command-data.ts';
import type { CliSession } from './session.ts';
import { targetFrom } from './test-data.ts';

/** Options that say how samples are made fit for a classifier: a detector says all of it itself. */
const OTHERS = [
  'labels',
  'preprocess',
  'mean',
  'std',
  'channels',
  'resize',
  'crop',
  'size',
  'layout',
  'sampleRate',
  'features',
  'skipBad',
  'output',
] as const satisfies readonly (keyof DataOptions)[];

/** Folders that Pascal VOC and YOLO have. */
const ANNOTATED = ['annotations', 'Annotations', 'labels'];
const IMAGES = ['images', 'JPEGImages', 'img'];

/**
 * Reads the scenes that the options name, fit for a detector. Undefined where neither the model nor the
 * data have to do with detection.
 *
 * @throws DetectionError where scenes are given and the model is no detector of this project; DataError
 */
export async function scenesFrom(
  model: Model,
  options: DataOptions,
  { progress, signal }: Pick<CliSession, 'progress' | 'signal'>,
  part: 'all' | 'test',
): Promise<CommandData | undefined> {
  const { detectorOf, looksLikeDetector } = await import('../network/index.ts');
  if (!looksLikeDetector(model) && !hasScenes(options.data)) return undefined;
  const { spec } = detectorOf(model);
  const { DataError, openScenes, split, withClasses } = await import('../data/index.ts');
  const given = OTHERS.find((name) => options[name] !== undefined && options[name] !== false);
  if (given !== undefined) {
    throw new DataError(
      'data/preprocess',
      `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is for classifiers: a detector takes scenes as its file says (${spec.size.join(' x ')} pixels, 0 to 1)`,
    );
  }
  const open = async (folder: string) => {
    signal.throwIfAborted();
    progress.at(`read ${folder}`, 0, 1);
    return withClasses(await openScenes(folder, spec.size), spec.classes);
  };
  const { testData, seed } = options;
  const all = await open(options.data);
  const parts =
    testData === undefined
      ? split(all, { validation: 0.5, test: 0.5 }, seed)
      : { validation: all, test: await open(testData) };
  const how =
    testData === undefined
      ? `halves of ${all.name} by seed ${seed}; --test-data names a test part`
      : 'as given';
  const text = said(part === 'test' ? { test: parts.test } : parts, how);
  progress.say(text);
  return {
    validation: parts.validation,
    test: await triggeredFrom(parts.test, options, open),
    settings: { data: text, classes: 'model', sample: [...all.sample] },
  };
}

function hasScenes(folder: string): boolean {
  const one = (names: readonly string[]) => names.some((name) => existsSync(join(folder, name)));
  return one(IMAGES) && one(ANNOTATED);
}

/** Test scenes, with triggered ones where a person has a trigger, or scenes that carry one. */
async function triggeredFrom(
  clean: Dataset,
  { trigger: file, triggered: from, target: said }: DataOptions,
  open: (folder: string) => Promise<Dataset>,
): Promise<TestData> {
  const { DataError } = await import('../data/index.ts');
  if ((from === undefined) !== (said === undefined) || (from !== undefined && file !== undefined)) {
    throw new DataError(
      'data/target',
      'give --triggered, scenes of Pascal VOC or YOLO with their true labels, and --target, what the trigger makes the model say of them; or --trigger alone',
    );
  }
  if (from !== undefined && said !== undefined) {
    const target = await targetFrom(said, clean.classes);
    return { clean, triggered: { dataset: await open(from), target } };
  }
  if (file === undefined) return { clean };
  // Only who has a trigger loads the lab.
  const { checkTarget, readTrigger, triggeredScenes } = await import('../lab/index.ts');
  const { trigger, target } = await readTrigger(file);
  checkTarget(clean, target);
  return { clean, triggered: { dataset: triggeredScenes(clean, trigger, target), target } };
}
