import { availableParallelism } from 'node:os';
import { runtimeOf } from './ort.ts';
import { type Runtime, RuntimeError } from './runtime.ts';

type Ort = Parameters<typeof runtimeOf>[0] & {
  readonly env: {
    readonly versions: { readonly node?: string | undefined; readonly web?: string | undefined };
  };
};

export interface RuntimeOptions {
  /** Which backend; native where it is installed, else wasm, by default. */
  readonly backend?: 'native' | 'wasm' | undefined;
  readonly threads?: number | undefined;
}

/**
 * ONNX Runtime on Node: the native library where it could be installed, else WebAssembly.
 *
 * @throws RuntimeError when the backend asked for is not installed
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
