import * as z from 'zod';
import { DataError } from './error.ts';
import { type SoundFeatures, soundFeaturesFrom } from './audio/features.ts';
import { type Preprocess, preprocessFrom, type PreprocessInput } from './images/preprocess.ts';

/** The input format that a model's file may contain, so that users do not have to give it. */
export interface ModelMetadata {
  readonly preprocess?: Preprocess | undefined;
  /** How features are computed from sound. */
  readonly sound?: SoundFeatures | undefined;
  /** The names of the outputs, in order. */
  readonly classes?: readonly string[] | undefined;
}

const PREPROCESS = 'fineprune.preprocess';
const SOUND = 'fineprune.sound';
const CLASSES = 'fineprune.classes';

/** Encodes it as metadata of an ONNX file. */
export function metadataOf({ preprocess, sound, classes }: ModelMetadata): Record<string, string> {
  return {
    ...(preprocess && { [PREPROCESS]: JSON.stringify(preprocess) }),
    ...(sound && { [SOUND]: JSON.stringify(sound) }),
    ...(classes && { [CLASSES]: JSON.stringify(classes) }),
  };
}

/**
 * Reads it from the metadata of an ONNX file; fields that the file does not have are left out.
 *
 * @throws DataError `data/preprocess`, `data/features`, `data/labels`, `data/format` if it is not valid
 */
export function readMetadata(metadata: ReadonlyMap<string, string>): ModelMetadata {
  const preprocess = metadata.get(PREPROCESS);
  const sound = metadata.get(SOUND);
  const classes = metadata.get(CLASSES);
  return {
    ...(preprocess !== undefined && {
      preprocess: preprocessFrom(
        json(preprocess, PREPROCESS) as PreprocessInput,
        `${PREPROCESS} in the model's metadata`,
      ),
    }),
    ...(sound !== undefined && {
      sound: soundFeaturesFrom(json(sound, SOUND), `${SOUND} in the model's metadata`),
    }),
    ...(classes !== undefined && { classes: names(json(classes, CLASSES)) }),
  };
}

function json(text: string, key: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(
      'data/format',
      `${key} in the model's metadata cannot be read as JSON (${(cause as Error).message})`,
      { cause },
    );
  }
}

function names(value: unknown): string[] {
  const parsed = z.array(z.string().min(1)).min(1).safeParse(value);
  if (parsed.success && new Set(parsed.data).size === parsed.data.length) return parsed.data;
  throw new DataError(
    'data/labels',
    `${CLASSES} in the model's metadata must be a list of names, each once: name the outputs with --labels`,
  );
}
