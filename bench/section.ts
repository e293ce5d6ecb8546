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

/** One part of the benchmark: it prints as it goes, and what it returns goes into results.json. */
export interface Section {
  readonly name: string;
  run(context: Context): Promise<unknown>;
}
