import * as z from 'zod';
import { DataError } from '../error.ts';
import { filters, type Filter } from './resize.ts';

/** The preprocessing of images for a network. */
export interface Preprocess {
  /**
   * Subtracted from pixels in 0 to 1: one number for all channels, or one each for red, green and blue,
   * whatever the channel order of the network.
   */
  readonly mean: readonly number[];
  /** The divisor after that, likewise. */
  readonly std: readonly number[];
  /** The order in which the network takes the channels. */
  readonly channels: 'rgb' | 'bgr';
  readonly resize: Filter;
  /**
   * The length that the shorter side is resized to before a center crop; null resizes the whole image to the
   * network's size.
   */
  readonly crop: number | null;
}

type Scaling = Pick<Preprocess, 'mean' | 'std' | 'channels'>;

const RGB = 'rgb' as const;

/** Common scalings. */
export const PRESETS = {
  '0-1': { mean: [0], std: [1], channels: RGB },
  '0-255': { mean: [0], std: [1 / 255], channels: RGB },
  '-1-1': { mean: [0.5], std: [0.5], channels: RGB },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], channels: RGB },
  caffe: {
    mean: [123.68 / 255, 116.779 / 255, 103.939 / 255],
    std: [1 / 255],
    channels: 'bgr',
  },
} as const satisfies Record<string, Scaling>;

export type Preset = keyof typeof PRESETS;

export const presets = Object.keys(PRESETS) as readonly Preset[];

const REST = { resize: 'bilinear', crop: null } as const;

/** A preset with the defaults for the rest. */
export function preset(name: Preset): Preprocess {
  return { ...PRESETS[name], ...REST };
}

const perChannel = z.union([z.number().transform((one) => [one]), z.array(z.number())]);

const schema = z.strictObject({
  preset: z.enum(presets as [Preset, ...Preset[]]).optional(),
  mean: perChannel.optional(),
  std: perChannel.optional(),
  channels: z.enum(['rgb', 'bgr']).optional(),
  resize: z.enum(filters as [Filter, ...Filter[]]).optional(),
  crop: z.int().min(1).nullable().optional(),
});

/** Preprocessing as users give it; missing fields are those of the preset, by default '0-1'. */
export type PreprocessInput = z.input<typeof schema>;

/**
 * Parses preprocessing: the name of a preset, JSON, or an object that may override parts of a preset.
 *
 * @param where - the option or file that it comes from, for messages
 * @param base - the preset that the others override
 * @throws DataError `data/preprocess`, which lists every problem
 */
export function preprocessFrom(
  said: string | PreprocessInput,
  where: string,
  base: Preset = '0-1',
): Preprocess {
  const parsed = schema.safeParse(typeof said === 'string' ? read(said, where) : said);
  if (!parsed.success) {
    throw new DataError(
      'data/preprocess',
      `${where} is not valid preprocessing:\n${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  }
  const { preset: name = base, ...rest } = parsed.data;
  const chosen = Object.entries(rest).filter(([, value]) => value !== undefined);
  const made: Preprocess = { ...preset(name), ...Object.fromEntries(chosen) };
  for (const key of ['mean', 'std'] as const) {
    if (made[key].length === 1 || made[key].length === 3) continue;
    throw new DataError(
      'data/preprocess',
      `${where}: ${key} has ${made[key].length} numbers; give 1 for all channels, or 3 for red, green and blue`,
    );
  }
  if (made.std.some((value) => value === 0)) {
    throw new DataError('data/preprocess', `${where}: std is a divisor and cannot be 0`);
  }
  return made;
}

function read(text: string, where: string): PreprocessInput {
  const known = presets.find((name) => name === text);
  if (known) return { preset: known };
  if (!text.trimStart().startsWith('{')) {
    throw new DataError(
      'data/preprocess',
      `${where}: there is no preset "${text}"; it is one of ${presets.join(', ')}, or JSON such as {"mean": [0.5], "std": [0.25], "channels": "bgr"}`,
    );
  }
  try {
    return JSON.parse(text) as PreprocessInput;
  } catch (cause) {
    throw new DataError(
      'data/preprocess',
      `${where} cannot be read as JSON (${(cause as Error).message})`,
      { cause },
    );
  }
}
