import {
  DataError,
  type DatasetsOptions,
  type Filter,
  type Preprocess,
  preprocessFrom,
  type PreprocessInput,
  readMetadata,
  type SoundFeatures,
  soundFeaturesFrom,
} from '../../data/index.ts';
import type { Model } from '../../onnx/index.ts';
import { type FormatOptions, formatOf } from '../adapt/model-format.ts';

/** How samples are converted for a model, where its file does not say so or says it wrongly. */
export interface InputSettings {
  /** A preset's name, JSON, or an object; default: what the model's file says, else '0-1'. */
  readonly preprocess?: string | PreprocessInput | undefined;
  /** Subtracted from pixels in 0 to 1: one number, or one each for red, green and blue. */
  readonly mean?: readonly number[] | undefined;
  /** Divides pixels after that, likewise. */
  readonly std?: readonly number[] | undefined;
  /** The order in which the model takes colors. */
  readonly channels?: 'rgb' | 'bgr' | undefined;
  readonly resize?: Filter | undefined;
  /** Resize the shorter side to so many pixels, then cut out the middle. */
  readonly crop?: number | undefined;
  /** Resample sound to so many samples a second. */
  readonly sampleRate?: number | undefined;
  /** How a spectrogram is made of sound, as JSON or an object, on top of what the model's file says. */
  readonly features?: string | Partial<SoundFeatures> | undefined;
}

/** How samples are read for a model, by its file and by the settings. */
export interface ModelInput extends Pick<
  DatasetsOptions,
  'input' | 'outputs' | 'modelClasses' | 'features' | 'rate'
> {
  /** Undefined where neither the file nor the settings say anything of it. */
  readonly preprocess: Preprocess | undefined;
  /** The preprocessing of pictures in any case. */
  readonly picturePreprocess: Preprocess;
}

/**
 * How samples are read for a model: as its file says, with the settings on top of that.
 *
 * @throws NetworkError where it is no network of one input; DataError `data/preprocess`,
 *   `data/features`, `data/labels` where the file or the settings cannot be read
 */
export function inputSettings(
  model: Model,
  settings: InputSettings & FormatOptions = {},
): ModelInput {
  const { input, outputs } = formatOf(model, settings);
  const { preprocess: noted, sound, classes } = readMetadata(model.metadata);
  const { preprocess: said, mean, std, channels, resize, crop } = settings;
  const isGiven = [noted, said, mean, std, channels, resize, crop].some((one) => one !== undefined);
  const usual = input.bytes === true ? '0-255' : '0-1';
  const base =
    said === undefined && noted
      ? noted
      : preprocessFrom(said ?? {}, 'preprocess (--preprocess)', usual);
  const preprocess = preprocessFrom(
    {
      ...base,
      mean: [...(mean ?? base.mean)],
      std: [...(std ?? base.std)],
      channels: channels ?? base.channels,
      resize: resize ?? base.resize,
      crop: crop ?? base.crop,
    },
    'preprocess, mean, std, channels, resize, crop (--preprocess, --mean ...)',
  );
  return {
    input,
    outputs,
    modelClasses: classes,
    features: featuresFrom(settings, sound),
    rate: settings.sampleRate,
    // Samples that are no pictures are refused where preprocessing is asked for.
    preprocess: isGiven ? preprocess : undefined,
    picturePreprocess: preprocess,
  };
}

function featuresFrom(
  { features: said }: InputSettings,
  noted: SoundFeatures | undefined,
): SoundFeatures | undefined {
  if (said === undefined) return noted;
  const where = 'features (--features)';
  try {
    const given = typeof said === 'string' ? (JSON.parse(said) as object) : said;
    return soundFeaturesFrom({ ...noted, ...given }, where);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new DataError('data/features', `${where} is no JSON: ${cause.message}`, { cause });
  }
}
