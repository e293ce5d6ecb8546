import { type Model, type Tensor, FinepruneError } from '../onnx/index.ts';
import type { ValueType } from '../graph/index.ts';

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph that ONNX Runtime has loaded. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Type and dims of the outputs for which ONNX Runtime knows them before a run; scalars are missing. */
  readonly types: ReadonlyMap<string, ValueType>;
  /**
   * Runs the graph.
   *
   * @param fetches - a list of output names, or a record of tensors by output name, into whose buffers the
   *   outputs are written without an allocation; all outputs by default
   * @throws RuntimeError 'runtime/failed'
   */
  run(feeds: Feeds, fetches?: readonly string[] | Feeds): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface SessionOptions {
  /** Threads within an operator; default: the threads of the runtime. */
  readonly threads?: number | undefined;
  /** Graph optimizations of ONNX Runtime; 'none' keeps all values and their names. Default 'all'. */
  readonly optimize?: 'none' | 'all' | undefined;
  /**
   * ONNX Runtime's memory pattern: it plans one block for all values of a run, in addition to the memory
   * of the first run. Default true.
   */
  readonly memoryPattern?: boolean | undefined;
  /** ONNX Runtime's memory arena: it keeps freed memory for the next run, which is faster. Default true. */
  readonly memoryArena?: boolean | undefined;
  /** File prefix of a profile that ONNX Runtime writes (native only). */
  readonly profile?: string | undefined;
}

/** ONNX Runtime, as native library or WebAssembly. */
export interface Runtime {
  readonly backend: 'native' | 'wasm';
  readonly version: string;
  /** Default number of threads of a session. */
  readonly threads: number;
  /** @throws RuntimeError 'runtime/refused' */
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
