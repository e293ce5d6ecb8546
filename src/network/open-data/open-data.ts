import {
  DataError,
  type Dataset,
  datasetsOf,
  FORMATS,
  type NamedSets,
  type DataFormat,
  type Part,
  type Preprocess,
  readSources,
  sceneDataset,
  sceneFormats,
  scenesOnly,
  type Sources,
  withClasses,
} from '../../data/index.ts';
import type { Model } from '../../onnx/index.ts';
import type { FormatOptions } from '../adapt/model-format.ts';
import { type Detector, detectorOf, looksLikeDetector } from '../detection/index.ts';
import type { TestData } from '../evaluate.ts';
import { cleanParts, type Need, type OpenParts, type Parts, wholeOrTest } from './clean-parts.ts';
import { type InputSettings, inputSettings } from './input-settings.ts';
import { type KnownTrigger, testDataOf } from './triggered-data.ts';

export interface OpenDataOptions extends InputSettings, FormatOptions, KnownTrigger {
  /** The model that the data are for, as `load` gives it. */
  readonly for: Model | { readonly model: Model };
  /** Clean test data; the first data are then all for validation. */
  readonly testData?: string | undefined;
  /** The names of the outputs, or a file with one per line; default: labels.txt in the data. */
  readonly labels?: string | readonly string[] | undefined;
  /** Whether to leave out files that cannot be read; default: they are an error. */
  readonly skipBad?: boolean | undefined;
  /** Seed of the split into validation and test data; default 0. */
  readonly seed?: number | undefined;
  /**
   * 'test' does not read validation data if possible; 'validation' takes no test data: `test` is then the
   * same data. Default 'all'.
   */
  readonly need?: Need | undefined;
  /** The formats to try, in this order; default `FORMATS`. */
  readonly formats?: readonly DataFormat[] | undefined;
  /** Data sets that are opened by name. */
  readonly sets?: NamedSets | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
}

/** Data for a model: what a defense may use, and what it is tested on. */
export interface OpenedData {
  /** The defender's clean data: to rank, stop, select and fine-tune. */
  readonly validation: Dataset;
  /** Only reported, never used to choose. */
  readonly test: TestData;
  /** The number of samples of each part and its origin, as a text. */
  readonly description: string;
  /** Samples that were left out, and why. */
  readonly unreadable: readonly string[];
  /** How the data were read, for a report. */
  readonly settings: DataSettings;
}

/** How data were opened, as plain JSON. */
export type DataSettings = Record<
  string,
  string | number | number[] | Record<string, string | number | number[] | null>
>;

/**
 * Opens data for a model: reads the input format in the model's file (shape, layout, preprocessing, classes,
 * features of sound), and splits the data into validation and test.
 *
 * Data with parts keep them: `test`, and `validation`, or else a random sixth of `train`, at most 10,000
 * samples. Data without parts are split into stratified halves. Both depend on the seed.
 *
 * @param from - a folder or a file that one of `formats` reads, or the name of one of `sets`
 * @throws DataError if the data cannot be read or do not fit; NetworkError, DetectionError if the model is
 *   not supported
 */
export async function openData(from: string, options: OpenDataOptions): Promise<OpenedData> {
  const { testData, seed = 0, need = 'all', sets, formats = FORMATS } = options;
  const model = 'model' in options.for ? options.for.model : options.for;
  const asDetector = looksLikeDetector(model);
  const find = (path: string) =>
    readSources(path, { sets, formats: asDetector ? sceneFormats(formats) : formats });
  const first = need === 'test' && testData !== undefined ? testData : from;
  const found = await find(first);
  const sourcesOf = (path: string) => (path === first ? found : find(path));
  const reader =
    asDetector || hasScenes(found)
      ? sceneReader(detectorOf(model), options, sourcesOf)
      : sampleReader(model, options, sourcesOf);
  const { validation, test, description } = await cleanParts(
    { from, testData, seed, need },
    reader.open,
  );
  const { classes } = test;
  const read = await testDataOf(test, options, async (path) =>
    wholeOrTest(await reader.open(path, { labels: classes, outputs: classes.length })),
  );
  const { classesBy, bad, preprocess } = reader.facts();
  return {
    validation,
    test: read,
    description,
    unreadable: bad,
    settings: settingsOf(description, classesBy, validation, preprocess, bad.length),
  };
}

/** Reads parts, and records how. */
interface Reader {
  readonly open: OpenParts;
  facts(): {
    readonly classesBy: string;
    readonly bad: readonly string[];
    readonly preprocess?: Preprocess | undefined;
  };
}

/** Samples for a classifier. */
function sampleReader(
  model: Model,
  options: OpenDataOptions,
  sourcesOf: (path: string) => Sources | Promise<Sources>,
): Reader {
  const { labels, skipBad, signal, onProgress } = options;
  const { picturePreprocess, ...input } = inputSettings(model, options);
  const bad: string[] = [];
  let classesBy = '';
  return {
    async open(path, more) {
      const read = await datasetsOf(await sourcesOf(path), path, {
        ...input,
        labels,
        skipBad,
        signal,
        ...more,
        onProgress: (done, all) => onProgress?.(`read ${path}`, done, all),
      });
      bad.push(...read.bad);
      classesBy ||= read.classesBy;
      return read.parts;
    },
    facts: () => ({ classesBy, bad, preprocess: picturePreprocess }),
  };
}

/** Options for classifiers only: a detector's file specifies all of this. */
const OF_CLASSIFIERS = [
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
] as const satisfies readonly (keyof OpenDataOptions)[];

/** Scenes for a detector. */
function sceneReader(
  { spec }: Detector,
  options: OpenDataOptions,
  sourcesOf: (path: string) => Sources | Promise<Sources>,
): Reader {
  const { signal, onProgress } = options;
  const given = OF_CLASSIFIERS.find(
    (name) => options[name] !== undefined && options[name] !== false,
  );
  if (given !== undefined) {
    const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new DataError(
      'data/preprocess',
      `${given} (--${flag}) is for classifiers: a detector takes scenes as its file says (${spec.size.join(' x ')} pixels, 0 to 1)`,
    );
  }
  return {
    async open(path, { parts: pick }) {
      const sources = await sourcesOf(path);
      const there = Object.keys(sources) as Part[];
      const parts: Parts = {};
      for (const part of pick?.(there) ?? there) {
        signal?.throwIfAborted();
        onProgress?.(`read ${path}`, 0, 1);
        const scenes = await sceneDataset(scenesOnly(sources[part], path), spec.size);
        parts[part] = withClasses(scenes, spec.classes);
      }
      return parts;
    },
    facts: () => ({ classesBy: 'model', bad: [] }),
  };
}

const hasScenes = (sources: Sources): boolean =>
  Object.values(sources).some((source) => 'objects' in source);

function settingsOf(
  data: string,
  classes: string,
  { sample, pictures, sounds }: Dataset,
  preprocess: Preprocess | undefined,
  unreadable: number,
): DataSettings {
  const settings: DataSettings = { data, classes, sample: [...sample] };
  if (pictures && preprocess) {
    const { mean, std, ...rest } = preprocess;
    settings['layout'] = pictures.layout;
    settings['preprocess'] = { ...rest, mean: [...mean], std: [...std] };
  }
  if (sounds) settings['features'] = { ...sounds.features };
  if (unreadable > 0) settings['unreadable'] = unreadable;
  return settings;
}
