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

/** How samples are converted for a model, if its file does not specify it, or does so wrongly. */
export interface InputSettings {
  /** A preset's name, JSON, or an object; default: from the model's file, else '0-1'. */
  readonly preprocess?: string | PreprocessInput | undefined;
  /** Subtracted from pixels in 0 to 1: one number, or one each for red, green and blue. */
  readonly mean?: readonly number[] | undefined;
  /** Divides pixels after that, likewise. */
  readonly std?: readonly number[] | undefined;
  /** The order in which the model takes colors. */
  readonly channels?: 'rgb' | 'bgr' | undefined;
  readonly resize?: Filter | undefined;
  /** Resize the shorter side to this many pixels, then crop the center. */
  readonly crop?: number | undefined;
  /** The sample rate in Hz that sound is resampled to. */
  readonly sampleRate?: number | undefined;
  /** Settings of the spectrogram of sound, as JSON or an object; they override those of the model's file. */
  readonly features?: string | Partial<SoundFeatures> | undefined;
}

/** How samples are read for a model, from its file and the settings. */
export interface ModelInput extends Pick<
  DatasetsOptions,
  'input' | 'outputs' | 'modelClasses' | 'features' | 'rate'
> {
  /** Undefined if neither the file nor the settings specify it. */
  readonly preprocess: Preprocess | undefined;
  /** The preprocessing of images, with defaults. */
  readonly picturePreprocess: Preprocess;
}

/**
 * How samples are read for a model: as in its file, unless the settings override that.
 *
 * @throws NetworkError if the model does not have one input; DataError `data/preprocess`,
 *   `data/features`, `data/labels` if the file or the settings are not valid
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
    // If preprocessing is specified, samples that are not images are an error.
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
    throw new DataError('data/features', `${where} is not JSON: ${cause.message}`, { cause });
  }
}
