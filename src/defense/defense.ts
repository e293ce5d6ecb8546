import type * as z from 'zod';
import type { Dataset } from '../data/index.ts';
import type { CleanScore } from '../metrics/index.ts';
import type { Edits, Network, TestData } from '../network/index.ts';
import type { Graph, TensorOf } from '../onnx/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Checkpoints } from '../train/index.ts';
import type { StoreSettings } from '../channels/index.ts';
import type { Step } from './steps.ts';

/**
 * A defense: one object in one file, listed in one table (`methods/index.ts`). Nothing else in the project
 * names it. The command line takes its flags from `settings`, the report shows its `steps`.
 */
export interface Defense<S extends object = object> {
  /** As on the command line: 'fine-pruning'. */
  readonly name: string;
  /** What it does, in one line. */
  readonly description: string;
  /** The paper, and its section. */
  readonly source: string;
  /** Defaults, ranges and descriptions of its settings; strict, so that a misspelled one is an error. */
  readonly settings: SettingsSchema<S>;
  /**
   * Refuses settings that the network or the data cannot follow, before any work is done.
   *
   * @throws DefenseError
   */
  check?(context: DefenseContext, settings: S): void;
  /** The defenses that it runs one after another, where it is made of others. */
  readonly parts?: readonly string[] | undefined;
  /**
   * @param from - the network as the step before left it
   * @returns the network as this defense leaves it, with its own steps after those of `from`
   */
  run(context: DefenseContext, from: Repaired, settings: S): Promise<Repaired>;
}

/** A strict schema of an object. */
export type SettingsSchema<S extends object> = z.ZodType<S> & { readonly shape: z.ZodRawShape };

/** For each parameter touched by pruning, 0 where it is held at zero. */
export type Masks = ReadonlyMap<string, TensorOf<'float32'>>;

/** A network on its way through defenses. */
export interface Repaired {
  readonly network: Network;
  /** Pruned stays pruned: training keeps these at zero. */
  readonly masks: Masks;
  readonly edits: Edits;
  readonly steps: readonly Step[];
}

/** What a defense may use. Test data are in it to be reported, and must choose nothing. */
export interface DefenseContext {
  readonly runtime: Runtime;
  /** The network as it was delivered. */
  readonly given: Network;
  /** Clean data, split once by seed. */
  readonly clean: {
    /** All of the validation data. */
    readonly all: Dataset;
    /** What may be trained on. */
    readonly train: Dataset;
    /** The rest of it: it chooses an epoch, and judges what was lost. */
    readonly holdout: Dataset;
  };
  readonly test: TestData | undefined;
  /** The largest drop of clean accuracy that is allowed, as a share. */
  readonly maxDrop: number;
  readonly seed: number;
  /** How activations are kept while masks are tried. */
  readonly cache: StoreSettings | undefined;
  readonly checkpoints: Checkpoints | undefined;
  readonly signal: AbortSignal | undefined;
  progress(stage: string, done: number, all: number): void;
  /** Score on the holdout of a graph of the network. */
  score(graph: Graph): Promise<CleanScore>;
  /**
   * Runs another defense as a part of this one. What was run with the same settings on the same network
   * before is not run again.
   */
  run<S extends object>(defense: Defense<S>, from: Repaired, settings: S): Promise<Repaired>;
}

/** Defenses one after another, as one. Its settings are those of all of them. */
export function inSequence<S extends object, T extends object>(
  about: Pick<Defense, 'name' | 'description' | 'source'>,
  settings: SettingsSchema<S & T>,
  first: Defense<S>,
  second: Defense<T>,
): Defense<S & T> {
  return {
    ...about,
    settings,
    parts: [first.name, second.name],
    check(context, settings) {
      first.check?.(context, settings);
      second.check?.(context, settings);
    },
    async run(context, from, settings) {
      return context.run(second, await context.run(first, from, settings), settings);
    },
  };
}
