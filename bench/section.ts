import type { Torch } from './torch.ts';

export interface Context {
  /** Absent where no Python with PyTorch was found. */
  readonly torch: Torch | undefined;
  /** Names of the networks to measure; all where the list is empty. */
  readonly only: readonly string[];
  readonly threads: readonly number[];
  /** Number of alternating runs of each side. */
  readonly runs: number;
  readonly print: (line: string) => void;
}

/** One measurement. It replaces an earlier row with the same key. */
export interface Row {
  readonly network: string;
  readonly threads?: number | undefined;
  /** Names the measurement, where a network has several. */
  readonly what?: string | undefined;
}

/** One part of the benchmark. It prints progress, and its rows go into results.json. */
export interface Section<R extends Row = Row> {
  readonly name: string;
  run(context: Context): Promise<readonly R[]>;
  /** Summarizes all rows, also those of earlier runs. */
  summary?(rows: readonly R[]): Readonly<Record<string, unknown>>;
}

/** Whether a network is requested. */
export function asks({ only }: Context, network: string): boolean {
  return only.length === 0 || only.includes(network);
}
