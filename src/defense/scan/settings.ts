import type { Options } from '../../options.ts';

/** Settings of a scan. */
export interface ScanSettings {
  /** Classes to look at; undefined for all, or where there are many for the most suspect ones. */
  readonly classes: readonly number[] | undefined;
  /** Steps of the last round of each search. */
  readonly steps: number;
  readonly batchSize: number;
  /** Seconds to spend, in place of `steps`; undefined for what `steps` takes. */
  readonly time: number | undefined;
  readonly seed: number;
}

export interface ScanOptions extends Options<ScanSettings> {
  readonly signal?: AbortSignal | undefined;
  /** Told after each step. */
  readonly onProgress?: ((stage: string, done: number, all: number) => void) | undefined;
}

export const SCAN_DEFAULTS: ScanSettings = {
  classes: undefined,
  steps: 200,
  batchSize: 128,
  time: undefined,
  seed: 0,
};
