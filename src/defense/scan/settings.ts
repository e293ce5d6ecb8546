import type { Options } from '../../options.ts';

/** Settings of a scan. */
export interface ScanSettings {
  /** Classes to look at; undefined for all, or where there are many for the most suspect ones. */
  readonly classes: readonly number[] | undefined;
  /** Steps of the last round of each search. */
  readonly steps: number;
  /** Samples of a step; undefined for 128, or less of large samples. */
  readonly batchSize: number | undefined;
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
  batchSize: undefined,
  time: undefined,
  seed: 0,
};

/** Samples of a step, and elements of all of them at most: their activations are many times as large. */
const [BATCH, FEWEST, ELEMENTS] = [128, 8, 2 ** 22];

/** The batch size for samples of so many elements: 128, and 27 of 3x224x224. */
export function searchBatchSize(elements: number): number {
  return Math.min(BATCH, Math.max(FEWEST, Math.floor(ELEMENTS / elements)));
}
