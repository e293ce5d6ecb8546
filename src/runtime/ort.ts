import type { ValueType } from '../graph/index.ts';
import {
  type DataType,
  encodeWithExternalData,
  encodeModel,
  type Model,
  type ModelWithExternalData,
  type Tensor,
} from '../onnx/index.ts';
import {
  type Feeds,
  type Runtime,
  type Session,
  type SessionOptions,
  RuntimeError,
} from './runtime.ts';
import { freeTensor } from './free-tensor.ts';

/** The part of the ONNX Runtime API that the native and the wasm package share. */
interface Ort {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: Record<string, unknown>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}
interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}
interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly outputMetadata: readonly {
    readonly name: string;
    readonly isTensor: boolean;
    readonly type?: string | undefined;
    readonly shape?: readonly (number | string)[] | undefined;
  }[];
  run(feeds: object, fetches?: object): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** Wraps an ONNX Runtime module as a `Runtime`, the same way for every backend. */
export function runtimeOf(
  ort: Ort,
  about: { backend: Runtime['backend']; version: string; threads: number },
): Runtime {
  return {
    ...about,
    async open(model, options = {}) {
      const { bytes, weights } = encodedFor(about.backend, model);
      try {
        const session = await ort.InferenceSession.create(bytes, {
          ...sessionOptions(options, about.threads),
          ...(weights.length > 0 && { externalData: weights }),
        });
        return sessionOf(ort, session, about.backend);
      } catch (cause) {
        throw new RuntimeError(
          'runtime/refused',
          `ONNX Runtime ${about.version} does not load the graph${nameOf(model)}: ${text(cause)}`,
          { cause },
        );
      }
    },
  };
}

/** The native library reads weights from memory without a copy; wasm needs them in the file. */
function encodedFor(backend: Runtime['backend'], model: Model | Uint8Array): ModelWithExternalData {
  if (model instanceof Uint8Array) return { bytes: model, weights: [] };
  return backend === 'native'
    ? encodeWithExternalData(model)
    : { bytes: encodeModel(model), weights: [] };
}

function sessionOptions(options: SessionOptions, threads: number): Record<string, unknown> {
  return {
    executionProviders: undefined,
    graphOptimizationLevel: options.optimize === 'none' ? 'disabled' : 'all',
    intraOpNumThreads: options.threads ?? threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Waiting threads must not spin: with two other busy processes, spinning made a training step on two
    // threads take twice as long.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    enableMemPattern: options.memoryPattern ?? true,
    enableCpuMemArena: options.memoryArena ?? true,
    logSeverityLevel: 4,
    ...(options.profile !== undefined && {
      enableProfiling: true,
      profileFilePrefix: options.profile,
    }),
  };
}

function sessionOf(ort: Ort, session: OrtSession, backend: Runtime['backend']): Session {
  const wrapped = (tensors: Readonly<Record<string, Tensor>>) => {
    const made: Record<string, OrtTensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      made[name] = new ort.Tensor(tensor.type, tensor.data, tensor.dims);
    }
    return made;
  };
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    types: typesOf(session),
    async run(feeds, fetches) {
      try {
        const buffers = isBuffers(fetches) ? fetches : undefined;
        const wanted = isBuffers(fetches) ? Object.keys(fetches) : (fetches ?? session.outputNames);
        // The native library writes into the buffers; wasm does not, so its outputs are copied.
        const inPlace = buffers !== undefined && backend === 'native';
        const results = await session.run(wrapped(feeds), inPlace ? wrapped(buffers) : wanted);
        const read: Record<string, Tensor> = {};
        for (const name of wanted) {
          const { type, dims, data } = results[name] as OrtTensor;
          const made = { type, dims, data } as Tensor;
          const buffer = buffers?.[name];
          if (buffer && !inPlace) copyInto(buffer, made);
          // The native library also returns a copy of what it wrote into the buffer.
          if (buffer && made.data !== buffer.data) freeTensor(made);
          read[name] = buffer ?? made;
        }
        return read;
      } catch (cause) {
        throw new RuntimeError(
          'runtime/failed',
          `ONNX Runtime failed while it ran the graph: ${text(cause)}`,
          { cause },
        );
      }
    },
    dispose: () => session.release(),
  };
}

/** ONNX Runtime reports an unknown dim as a name, -1, or 2^32 - 1. */
function isKnown(dim: number | string): boolean {
  return typeof dim === 'number' && dim > 0 && dim < 2 ** 31;
}

function typesOf({ outputMetadata }: OrtSession): Map<string, ValueType> {
  const types = new Map<string, ValueType>();
  for (const { name, type, shape = [] } of outputMetadata) {
    // An empty shape is a scalar or unknown: the two look alike.
    if (shape.length > 0 && shape.every(isKnown)) {
      types.set(name, { type: type as DataType, dims: shape as number[] });
    }
  }
  return types;
}

function isBuffers(fetches: readonly string[] | Feeds | undefined): fetches is Feeds {
  return fetches !== undefined && !Array.isArray(fetches);
}

function copyInto(buffer: Tensor, made: Tensor): void {
  if (buffer.type === 'string')
    buffer.data.splice(0, buffer.data.length, ...(made.data as string[]));
  else (buffer.data as Float32Array).set(made.data as Float32Array);
}

function nameOf(model: Model | Uint8Array): string {
  return model instanceof Uint8Array ? '' : ` "${model.graph.name}"`;
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
