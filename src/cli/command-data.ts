import type { Dataset, Filter, Layout } from '../data/index.ts';
import type { TestData } from '../network/index.ts';
import type { RunFacts } from '../report/index.ts';
import type { TriggerOptions } from './test-data.ts';

/** Options that say what data a command works on, and how they are made fit for the model. */
export interface DataOptions extends TriggerOptions {
  readonly data: string;
  readonly testData?: string | undefined;
  readonly labels?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly channels?: 'rgb' | 'bgr' | undefined;
  readonly resize?: Filter | undefined;
  readonly crop?: number | undefined;
  readonly size?: readonly [height: number, width: number] | undefined;
  readonly layout?: Layout | undefined;
  readonly sampleRate?: number | undefined;
  readonly features?: string | undefined;
  readonly skipBad?: boolean | undefined;
  readonly output?: string | undefined;
  readonly seed: number;
}

/** The parts of a data set that a command works on, and how they came to be. */
export interface CommandData {
  readonly validation: Dataset;
  readonly test: TestData;
  /** For the report. */
  readonly settings: RunFacts['settings'] & object;
}

/** How many samples each part has, and how they were drawn, for people to read. */
export function said(parts: Readonly<Record<string, Dataset>>, how: string): string {
  const list = Object.entries(parts).map(([part, { length }]) => `${length} ${part} samples`);
  return `${list.join(', ')} (${how})`;
}
