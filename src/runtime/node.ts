import { availableParallelism } from 'node:os';
import { runtimeOf } from './ort.ts';
import { type Runtime, RuntimeError } from './runtime.ts';

type Ort = Parameters<typeof runtimeOf>[0] & {
  readonly env: {
    readonly versions: { readonly node?: string | undefined; readonly web?: string | undefined };
  };
};

export interface RuntimeOptions {
  /** Default: native where it is installed, else wasm. `FINEPRUNE_BACKEND=wasm` changes the default. */
  readonly backend?: 'native' | 'wasm' | undefined;
  /** Threads of a session; default: the number of cores, at most 4. */
  readonly threads?: number | undefined;
}

/**
 * Loads ONNX Runtime on Node: the native library where it is installed, else WebAssembly.
 *
 * @throws RuntimeError 'runtime/missing' where `backend` is 'native' and the library is not installed
 */
export async function nodeRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const threads = options.threads ?? Math.min(availableParallelism(), 4);
  const backend = options.backend ?? preferred();
  if (backend === 'wasm') return wasm(threads);
  try {
    const module = (await import('onnxruntime-node')) as unknown as {
      default?: Ort | undefined;
    } & Ort;
    const ort = module.default ?? module;
    return runtimeOf(ort, { backend, version: ort.env.versions.node ?? 'unknown', threads });
  } catch (cause) {
    if (options.backend === 'native') {
      throw new RuntimeError(
        'runtime/missing',
        'The native ONNX Runtime is not installed here: run "npm install onnxruntime-node", or use --backend wasm',
        { cause },
      );
    }
    return wasm(threads);
  }
}

function preferred(): 'native' | 'wasm' {
  return process.env['FINEPRUNE_BACKEND'] === 'wasm' ? 'wasm' : 'native';
}

async function wasm(threads: number): Promise<Runtime> {
  const ort = (await import('onnxruntime-web')) as unknown as Ort & {
    env: { wasm: { numThreads: number }; logLevel: string };
  };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'fatal';
  return runtimeOf(ort, { backend: 'wasm', version: ort.env.versions.web ?? 'unknown', threads });
}
