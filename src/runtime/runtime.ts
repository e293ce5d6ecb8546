import { type Model, type Tensor, FinepruneError } from '../onnx/index.ts';
import type { ValueType } from '../graph/index.ts';

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph made ready to run. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Type and dims of the outputs of which ONNX Runtime knows them before any run; no scalars. */
  readonly types: ReadonlyMap<string, ValueType>;
  /**
   * Runs the graph. Where `fetches` is a record, the outputs are written into its tensors'
   * buffers, so that nothing is allocated; where it is a list, those outputs are made.
   *
   * @throws RuntimeError when ONNX Runtime refuses or fails
   */
  run(feeds: Feeds, fetches?: readonly string[] | Feeds): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface SessionOptions {
  /** Threads within an operator; the machine's cores, at most 4, by default. */
  readonly threads?: number | undefined;
  /** How much the runtime may rewrite the graph. 'none' keeps every value as named. */
  readonly optimize?: 'none' | 'all' | undefined;
  /**
   * Whether ONNX Runtime lays out all values of a run in one block, which it adds to what the first
   * run, without such a plan, has taken. Default true.
   */
  readonly memoryPattern?: boolean | undefined;
  /** Whether memory that a run gave back is kept for the next: faster, and never less. Default true. */
  readonly memoryArena?: boolean | undefined;
  /** Writes ONNX Runtime's own profile to a file of this prefix (native only). */
  readonly profile?: string | undefined;
}

/** One way to run graphs: the native library or WebAssembly. */
export interface Runtime {
  readonly backend: 'native' | 'wasm';
  readonly version: string;
  /** Threads that a session uses unless told otherwise. */
  readonly threads: number;
  /** @throws RuntimeError when ONNX Runtime does not take the model */
  open(model: Model | Uint8Array, options?: SessionOptions): Promise<Session>;
}

export type RuntimeErrorCode =
  /** ONNX Runtime does not load the graph. */
  | 'runtime/refused'
  /** A run failed. */
  | 'runtime/failed'
  /** The backend is not installed. */
  | 'runtime/missing';

/** ONNX Runtime is missing, does not load a graph, or fails while it runs one. */
export class RuntimeError extends FinepruneError<RuntimeErrorCode> {
  override readonly name = 'RuntimeError';
}
