import type { Torch } from './torch.ts';

export interface Context {
  /** Absent where no Python with PyTorch was found. */
  readonly torch: Torch | undefined;
  /** Measure only what has one of these words in its name; everything where there are none. */
  readonly only: readonly string[];
  readonly threads: readonly number[];
  /** Alternating runs of each side. */
  readonly runs: number;
  readonly print: (line: string) => void;
}

/** One thing measured. What is measured again takes the place of the row with the same key. */
export interface Row {
  readonly network: string;
  readonly threads?: number | undefined;
  /** Where a network is measured in several ways. */
  readonly what?: string | undefined;
}

/** One part of the benchmark: it prints as it goes, and its rows go into results.json. */
export interface Section<R extends Row = Row> {
  readonly name: string;
  run(context: Context): Promise<readonly R[]>;
  /** What all rows together come to, those of earlier runs too. */
  summary?(rows: readonly R[]): Readonly<Record<string, unknown>>;
}

/** Whether the context asks for a network. */
export function asks({ only }: Context, network: string): boolean {
  return only.length === 0 || only.includes(network);
}
