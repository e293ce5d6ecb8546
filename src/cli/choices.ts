import type { Filter, Preset } from '../data/index.ts';
import type { SetName } from '../lab/index.ts';
import generated from './generated/choices.json' with { type: 'json' };

/** Names of table entries that `--help` shows. */
export interface Choices {
  /** The descriptions of the data formats. */
  readonly formats: readonly string[];
  readonly presets: readonly Preset[];
  readonly filters: readonly Filter[];
  /** The data sets of the experiments. */
  readonly sets: readonly SetName[];
}

/** Generated from the tables by `npm run generate`, so that `--help` loads no library. */
export const CHOICES = generated as Choices;
